/** Following jobs: statuses as they come, over lost connections. */
import { setTimeout as delay } from "node:timers/promises";
import { isPlatenError, PlatenError } from "../wire/error.ts";
import { isLastStatus, type JobStatus } from "../wire/status.ts";
import { parseTopic, statusFilter, statusTopic } from "../wire/topic.ts";
import type { Connection, MessageHandler } from "./connection.ts";
import type { Session } from "./session.ts";
import { parseStatus } from "./status-watch.ts";

export interface FollowOptions {
  readonly signal?: AbortSignal | undefined;
  /** How long the broker may take to say the first word of the job. */
  readonly answerMs?: number | undefined;
  /** Which status is the last one. Default: the one after which nobody need wait, {@link isLastStatus}. */
  readonly isLast?: (status: JobStatus) => boolean;
}

const ANSWER_MS = 2_000;
/** Retained statuses follow one another at once; a pause this long is their end. */
const QUIET_MS = 400;

/**
 * Yields each status of a job, the present one first, and ends with the last one.
 * @throws PlatenError `job-unknown`, `broker-unreachable`; the signal's reason when aborted
 */
export async function* followJob(
  session: Session,
  job: string,
  options: FollowOptions = {},
): AsyncGenerator<JobStatus, void, undefined> {
  const { isLast = isLastStatus } = options;
  let last: string | null = null;
  for (;;) {
    const connection = await session.connect(options.signal);
    try {
      for await (const status of listen(connection, job, last === null, options)) {
        const text: string = JSON.stringify(status);
        if (text === last) continue;
        last = text;
        yield status;
        if (isLast(status)) return;
      }
      // The topic was emptied: the job ended so long ago that the broker forgot it.
      return;
    } catch (error) {
      if (!isPlatenError(error, "broker-unreachable") || !connection.isLost) throw error;
    }
  }
}

/** One connection's worth of statuses; ends when the topic is emptied, throws when the connection is lost. */
async function* listen(
  connection: Connection,
  job: string,
  isFirst: boolean,
  options: FollowOptions,
): AsyncGenerator<JobStatus, void, undefined> {
  const { signal, answerMs = ANSWER_MS } = options;
  signal?.throwIfAborted();
  const topic = statusTopic({ user: connection.user, job });
  const queue: (JobStatus | null)[] = [];
  let news = Promise.withResolvers<void>();
  const wake = () => news.resolve();
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {});
  const abort = () => failed.reject(signal?.reason);
  signal?.addEventListener("abort", abort, { once: true });
  void connection.lost.then(failed.reject);
  const unknown = () => failed.reject(new PlatenError("job-unknown", { job }));
  const timer = isFirst ? setTimeout(unknown, answerMs) : undefined;
  const take: MessageHandler = (_, payload) => {
    const status = payload.length === 0 ? null : parseStatus(payload);
    if (status === null && payload.length > 0) return;
    clearTimeout(timer);
    queue.push(status);
    wake();
  };
  try {
    const answer = await connection.subscribe(topic, take);
    if (answer === "refused") throw new PlatenError("job-unknown", { job });
    for (;;) {
      for (const status of queue.splice(0)) {
        if (!status) return;
        yield status;
      }
      if (queue.length > 0) continue;
      news = Promise.withResolvers<void>();
      await Promise.race([news.promise, failed.promise]);
    }
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
    void connection.unsubscribe(topic, take).catch(() => {});
  }
}

/** The sender's jobs the broker still tells of (a day after their end it does not), by job id. */
export async function listJobs(
  session: Session,
  { quietMs = QUIET_MS }: { quietMs?: number } = {},
): Promise<ReadonlyMap<string, JobStatus>> {
  const filter = statusFilter(session.profile.user);
  return session.run(async (connection) => {
    const jobs = new Map<string, JobStatus>();
    let heardAt = performance.now();
    const take: MessageHandler = (topic, payload) => {
      heardAt = performance.now();
      const named = parseTopic(topic);
      // What is no job id is not shown to anyone's terminal.
      if (named?.room !== "status") return;
      const status = parseStatus(payload);
      if (status) jobs.set(named.job, status);
      else jobs.delete(named.job);
    };
    await connection.subscribe(filter, take);
    heardAt = performance.now();
    while (performance.now() - heardAt < quietMs && !connection.isLost) await delay(quietMs / 4);
    await connection.unsubscribe(filter, take);
    if (connection.isLost) throw await connection.lost;
    return jobs;
  });
}
