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
  /** Nothing follows; every trace is being destroyed. An `interrupted` becomes final when its grace time is over. */
  readonly final: boolean;
  /** Some of it may be on paper: what prints now is a second copy. */
  readonly again: boolean;
}

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
  | { readonly kind: "finished"; readonly confirmed: boolean }
  | { readonly kind: "broke"; readonly reason: Reason }
  | { readonly kind: "grace-over" }
  /** Its spool file is gone or damaged. */
  | { readonly kind: "lost" };

export const FIRST_PHASE: Phase = { state: "arriving", reason: null, final: false, again: false };

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
      return phase.state === "held" || phase.state === "interrupted" ? go(phase, "releasing") : null;
    case "returned":
      return phase.state === "releasing" ? go(phase, phase.again ? "interrupted" : "held") : null;
    case "started":
      return phase.state === "releasing" ? go(phase, "printing") : null;
    case "finished":
      return phase.state === "printing" ? end(phase, event.confirmed ? "printed" : "delivered", null) : null;
    case "broke":
      return phase.state === "printing"
        ? { state: "interrupted", reason: event.reason, final: false, again: true }
        : null;
    case "grace-over":
      return phase.state === "interrupted" ? end(phase, "interrupted", phase.reason) : null;
    case "lost":
      return phase.state === "held" || phase.state === "releasing" || phase.state === "interrupted"
        ? end(phase, "rejected", "lost")
        : null;
  }
}

function go(phase: Phase, state: AgentState): Phase {
  return { state, reason: null, final: false, again: phase.again };
}

function end(phase: Phase, state: AgentState, reason: Reason | null): Phase {
  return { state, reason, final: true, again: phase.again };
}
