/** The retained status of each job: what its sender sees. Made anew from rows whenever it is published. */
import { encodeJson } from "../wire/json.ts";
import { MISSING_RANGES_MAX } from "../wire/limits.ts";
import type { JobRef } from "../wire/name.ts";
import type { Reason } from "../wire/reason.ts";
import { isEnd, type JobState } from "../wire/state.ts";
import type { JobStatus } from "../wire/status.ts";
import { statusTopic } from "../wire/topic.ts";
import type { Copy, Job } from "./jobs.ts";
import type { MqttPort } from "./mqtt-port.ts";
import type { PartFile } from "./part-file.ts";

/** More printers than this are not told one by one: the message stays small. */
const PRINTERS_MAX = 64;

export class StatusBoard {
  readonly #port: MqttPort;

  constructor(port: MqttPort) {
    this.#port = port;
  }

  /** @param parts the job's file while it is `receiving` */
  publish(job: Job, copies: readonly Copy[], parts: PartFile | null): void {
    // Cleared: an agent that tells late must not bring the topic back.
    if (job.isHidden) return;
    this.#send(job, makeStatus(job, copies, parts), true);
  }

  /** Tells of a second use of the id without touching what the first became. */
  publishDuplicate(job: Job, copies: readonly Copy[]): void {
    this.#send(job, { ...makeStatus(job, copies, null), reason: "duplicate" }, false);
  }

  /** A refusal of which nothing is kept: not even the topic. */
  publishRefusal(ref: JobRef, reason: Reason, at: number): void {
    this.#send(ref, { state: "rejected", reason, at }, false);
  }

  clear(ref: JobRef): void {
    void this.#port.publish(statusTopic(ref), new Uint8Array(0), { qos: 1, retain: true });
  }

  #send(ref: JobRef, status: JobStatus, retain: boolean): void {
    // Not awaited: a sender who does not read must not hold up what is told of.
    void this.#port.publish(statusTopic(ref), encodeJson(status), { qos: 1, retain });
  }
}

export function makeStatus(job: Job, copies: readonly Copy[], parts: PartFile | null): JobStatus {
  const { state, reason, at, target } = job;
  const status: JobStatus = { state, reason, at, target };
  if (job.endedAt !== null && !isEnd(state)) status.final = true;
  if (state === "receiving") {
    status.progress = parts?.bytes ?? 0;
    const missing = job.parts === null ? [] : listMissing(job.parts, parts);
    if (missing.length > 0) status.missing = missing;
  }
  if (job.endedAt === null || status.final) Object.assign(status, describeCopy(state, copies));
  if (job.isGroup) status.printers = listPrinters(copies);
  return status;
}

/** Of the copy that makes the job what it is: whether it is a second one, how much of it came out, what may follow. */
function describeCopy(
  state: JobState,
  copies: readonly Copy[],
): Pick<JobStatus, "until" | "again" | "taken"> {
  const copy = copies.find((one) => one.state === state);
  if (!copy) return {};
  const { until, again, bytes, bytesAtMost } = copy;
  return {
    ...(until !== null && { until }),
    ...(again && { again }),
    ...(state === "interrupted" && bytes !== null && { taken: [bytes, bytesAtMost ?? bytes] }),
  };
}

/** The first ranges of part numbers below `count` that are not there. */
export function listMissing(
  count: number,
  parts: Pick<PartFile, "has" | "count"> | null,
): [number, number][] {
  if (!parts || parts.count === 0) return [[0, count - 1]];
  const ranges: [number, number][] = [];
  let first = -1;
  for (let n = 0; n < count && ranges.length < MISSING_RANGES_MAX; n++) {
    if (!parts.has(n)) {
      if (first < 0) first = n;
      continue;
    }
    if (first >= 0) ranges.push([first, n - 1]);
    first = -1;
  }
  if (first >= 0 && ranges.length < MISSING_RANGES_MAX) ranges.push([first, count - 1]);
  return ranges;
}

/** At an agent the printer that took the job shows its state; the others wait with it or were passed over. */
function listPrinters(copies: readonly Copy[]): Record<string, JobState> {
  const states = copies.flatMap(({ printers, printer, state }) =>
    printers.map((name): [string, JobState] => {
      if (printer === null || printer === name) return [name, state];
      return [name, isEnd(state) ? "cancelled" : "held"];
    }),
  );
  return Object.fromEntries(states.slice(0, PRINTERS_MAX));
}
