/** What a job is, made of what its copies at the agents are: pure. */
import type { Reason } from "../wire/reason.ts";
import { isEnd, type JobState } from "../wire/state.ts";

/** The job at one agent. `final`: that agent will tell nothing more of it. */
export interface CopyState {
  readonly state: JobState;
  readonly reason: Reason | null;
  readonly final: boolean;
}

export interface FoldedState {
  readonly state: JobState;
  readonly reason: Reason | null;
  readonly ended: boolean;
}

/** From the least to the most telling; a job is what the furthest of its copies is. */
const PROGRESS: readonly JobState[] = [
  "stored",
  "arriving",
  "held",
  "interrupted",
  "releasing",
  "printing",
  "delivered",
];
/** The ends that end it everywhere: something came out, or may have. */
const CAME_OUT: readonly JobState[] = ["printed", "delivered", "interrupted"];

export function cameOut(state: JobState): boolean {
  return CAME_OUT.includes(state);
}

/** True where the agent may print it without asking anyone. */
export function isAtAgent(copy: CopyState): boolean {
  return !copy.final && PROGRESS.indexOf(copy.state) >= PROGRESS.indexOf("held");
}

/** True while the parts are still needed for this copy. */
export function needsParts(copy: CopyState): boolean {
  return !copy.final && !isAtAgent(copy);
}

/**
 * Folds the copies of a stored job. With a `wish` (someone wants it ended) it has ended only when no agent can print it
 * any more; until then it is what it is, with the wish as its reason: nobody is told `cancelled` of what may yet print.
 */
export function foldCopies(copies: readonly CopyState[], wish: Reason | null): FoldedState {
  for (const state of CAME_OUT) {
    const out = copies.find((copy) => copy.final && copy.state === state);
    if (out) return { state, reason: out.reason, ended: true };
  }
  const live = copies.filter((copy) => !copy.final);
  if (wish !== null) {
    const holding = pickFurthest(live.filter(isAtAgent));
    return holding
      ? { state: holding.state, reason: holding.state === "delivered" ? null : wish, ended: false }
      : { state: endOf(wish), reason: wish, ended: true };
  }
  const furthest = pickFurthest(live);
  if (furthest) return { state: furthest.state, reason: furthest.reason, ended: false };
  const last = copies.find((copy) => copy.state !== "rejected") ?? copies[0];
  return last && isEnd(last.state)
    ? { state: last.state, reason: last.reason, ended: true }
    : { state: "rejected", reason: last?.reason ?? "lost", ended: true };
}

/** Why the others must let go of a job that one agent ended; null when they need not. */
export function spreadEnd(copy: CopyState): Reason | null {
  if (!copy.final) return null;
  if (cameOut(copy.state)) return "printed-elsewhere";
  return copy.state === "cancelled" ? (copy.reason ?? "by-administrator") : null;
}

function endOf(wish: Reason): JobState {
  if (wish === "expired") return "expired";
  return wish === "revoked" ? "rejected" : "cancelled";
}

function pickFurthest(copies: readonly CopyState[]): CopyState | undefined {
  return copies.toSorted((a, b) => PROGRESS.indexOf(b.state) - PROGRESS.indexOf(a.state))[0];
}
