/** What an agent's event means for its copy of a job, as far as the rows tell what came before. Pure. */
import type { JobEvent } from "../wire/agent-call.ts";
import { isEnd, type JobState } from "../wire/state.ts";
import { cameOut } from "./job-state.ts";
import type { Copy, CopyChange, Job } from "./jobs.ts";

export const DELIVERED = { state: "delivered", reason: null } as const;

export interface AgentWord {
  /** What the copy is from now on. */
  readonly change: CopyChange;
  /** It was delivered, for the first time. */
  readonly isFirst: boolean;
  /** It says again what stands in the ledger already: nothing new happened, and no copy more came out. */
  readonly isRepeat: boolean;
}

/** Of `delivered` the agent says whether it can be printed once more. */
export function isFinal(event: JobEvent): boolean {
  return event.final || (isEnd(event.state) && event.state !== "delivered");
}

export function readWord(job: Job, copy: Copy, event: JobEvent): AgentWord {
  const final = isFinal(event);
  const { state, reason } = readEnd(copy.agent, job, event);
  const { bytes, bytesAtMost = null, again = false } = event;
  const isFirst = state === "delivered" && job.deliveredAgent === null;
  const isSame = copy.state === state || (state === "delivered" && !again);
  // `held` comes again with every start where a claim might stand.
  const isRepeat = !isFirst && (cameOut(state) || state === "held") && isSame;
  const change: CopyChange = {
    ...{ state, reason, final, bytes, bytesAtMost, again },
    printer: event.printer ?? copy.printer,
    until: final ? null : (event.until ?? null),
    ...(isRepeat && { again: final && copy.again, bytes: copy.bytes, bytesAtMost: copy.bytesAtMost }),
  };
  return { change, isFirst, isRepeat };
}

/**
 * Nothing was printed after all, and it may print elsewhere: released and given back, or claimed and never released. An
 * `interrupted` may be on paper in part.
 */
export function isBack(before: Copy, state: JobState): boolean {
  return state === "held" && (before.state === "releasing" || before.state === "held");
}

/** What was delivered stays so, even where its agent knows nothing of it any more. */
function readEnd(
  agent: string,
  job: Job,
  { state, reason, final }: JobEvent,
): Pick<JobEvent, "state" | "reason"> {
  return job.deliveredAgent === agent && final && !cameOut(state) ? DELIVERED : { state, reason };
}
