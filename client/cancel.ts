/** Withdrawing a job: before it is printed, or before it can be printed again. */
import { PlatenError } from "../wire/error.ts";
import { isOver, type JobStatus } from "../wire/status.ts";
import { sendTopic } from "../wire/topic.ts";
import { type FollowOptions, followJob } from "./follow.ts";
import type { Session } from "./session.ts";

const END_MS = 15_000;

export interface CancelOptions extends FollowOptions {
  /** How long the broker may take to end the job. */
  readonly endMs?: number | undefined;
}

/**
 * Cancels `job` and returns the status it ended with: `cancelled`, or another end that came first. Then nothing of it is
 * kept any more.
 * @throws PlatenError `job-unknown`, `timeout`, `broker-unreachable`
 */
export async function cancelJob(
  session: Session,
  job: string,
  options: CancelOptions = {},
): Promise<JobStatus> {
  const { endMs = END_MS, answerMs } = options;
  const late = AbortSignal.timeout(endMs);
  const signal = options.signal ? AbortSignal.any([options.signal, late]) : late;
  const { user } = session.profile;
  try {
    let asked = false;
    for await (const status of followJob(session, job, { signal, answerMs, isLast: isOver })) {
      if (isOver(status)) return status;
      if (asked) continue;
      asked = true;
      // The topic wants a target; the job is found by its user and id.
      const topic = sendTopic({ user, job }, status.target ?? "unknown", "cancel");
      await session.run((connection) => connection.publish(topic, new Uint8Array(0)));
    }
  } catch (cause) {
    if (!late.aborted || options.signal?.aborted) throw cause;
    const meaning = "The job may still print; look with: platen jobs";
    const seconds = Math.round(endMs / 1000);
    throw new PlatenError("timeout", { who: session.profile.address, seconds, meaning }, cause);
  }
  throw new PlatenError("job-unknown", { job });
}
