/** What may become of a job at the agent. Pure: the one place where a state follows another. */
import type { Reason } from "../wire/reason.ts";

export const AGENT_STATES = [
  "arriving",
  "held",
  "releasing",
  "printing",
  "interrupted",
  "printed",
  "delivered",
  "expired",
  "cancelled",
  "rejected",
] as const;
export type AgentState = (typeof AGENT_STATES)[number];

export interface Phase {
  readonly state: AgentState;
  readonly reason: Reason | null;
  /** Nothing follows; every trace is being destroyed. `interrupted` and an open `delivered` become it after their grace time. */
  readonly final: boolean;
  /** As what it rested once some of it may have been on paper: what prints next is a second copy. Null: nothing printed. */
  readonly again: Again | null;
}

/** `cut-short`: it rests as interrupted, but was delivered before; what broke off was the second copy of it. */
export type Again = "interrupted" | "delivered" | "cut-short";

export type MachineEvent =
  /** Whole, checked, recorded, in escrow. */
  | { readonly kind: "sealed" }
  | { readonly kind: "refused"; readonly reason: Reason }
  /** The broker or an entry ends it. */
  | { readonly kind: "dropped"; readonly state: "expired" | "cancelled"; readonly reason: Reason | null }
  /** Its time is over on our clock. */
  | { readonly kind: "time-over" }
  /** Its OTP was right. */
  | { readonly kind: "entered" }
  /** Nothing was sent after all: the printer cannot print, or the agent restarted. */
  | { readonly kind: "returned" }
  /** Said before the first byte. */
  | { readonly kind: "started" }
  /** `keeps`: unconfirmed, it stays open to be printed once more; a second copy of it does not. */
  | { readonly kind: "finished"; readonly confirmed: boolean; readonly keeps: boolean }
  | { readonly kind: "broke"; readonly reason: Reason }
  | { readonly kind: "grace-over" }
  /** Its spool file is gone or damaged. */
  | { readonly kind: "lost" };

export const FIRST_PHASE: Phase = { state: "arriving", reason: null, final: false, again: null };

/** The phase after `event`, or null where the event means nothing: callers then leave the job alone. */
export function next(phase: Phase, event: MachineEvent): Phase | null {
  if (phase.final) return null;
  switch (event.kind) {
    case "sealed":
      return phase.state === "arriving" ? go(phase, "held") : null;
    case "refused":
      return phase.state === "arriving" ? end(phase, "rejected", event.reason) : null;
    case "dropped":
      return phase.state === "printing" ? null : end(phase, event.state, event.reason);
    case "time-over":
      return phase.state === "arriving" || phase.state === "held" ? end(phase, "expired", "expired") : null;
    case "entered":
      return isResting(phase.state) ? go(phase, "releasing") : null;
    case "returned":
      return phase.state === "releasing" ? go(phase, restingState(phase.again)) : null;
    case "started":
      return phase.state === "releasing" ? go(phase, "printing") : null;
    case "finished":
      return phase.state === "printing" ? finish(phase, event) : null;
    case "broke":
      return phase.state === "printing" ? breakOff(phase, event.reason) : null;
    case "grace-over":
      return phase.state === "interrupted" || phase.state === "delivered"
        ? end(phase, phase.state, phase.reason)
        : null;
    case "lost":
      return isResting(phase.state) || phase.state === "releasing" ? end(phase, "rejected", "lost") : null;
  }
}

/** Its OTP prints it: for the first time, or once more. */
function isResting(state: AgentState): boolean {
  return state === "held" || state === "interrupted" || state === "delivered";
}

/** As what a job waits for its OTP. */
export function restingState(again: Again): "interrupted" | "delivered";
export function restingState(again: Again | null): "held" | "interrupted" | "delivered";
export function restingState(again: Again | null): "held" | "interrupted" | "delivered" {
  if (again === null) return "held";
  return again === "delivered" ? "delivered" : "interrupted";
}

function wasDelivered({ again }: Phase): boolean {
  return again === "delivered" || again === "cut-short";
}

function breakOff(phase: Phase, reason: Reason): Phase {
  const again = wasDelivered(phase) ? "cut-short" : "interrupted";
  return { state: "interrupted", reason, final: false, again };
}

function finish(phase: Phase, { confirmed, keeps }: MachineEvent & { kind: "finished" }): Phase {
  if (confirmed) return end(phase, "printed", null);
  if (!keeps || wasDelivered(phase)) return end(phase, "delivered", null);
  return { state: "delivered", reason: null, final: false, again: "delivered" };
}

function go(phase: Phase, state: AgentState): Phase {
  return { state, reason: null, final: false, again: phase.again };
}

/** What was delivered stays so, whatever ends the time in which it could be printed once more. */
function end(phase: Phase, state: AgentState, reason: Reason | null): Phase {
  const { again } = phase;
  const came = state === "printed" || state === "interrupted" || !wasDelivered(phase);
  return came
    ? { state, reason, final: true, again }
    : { state: "delivered", reason: null, final: true, again };
}
