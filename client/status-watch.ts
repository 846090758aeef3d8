/** What the broker says of one job while it is being sent: taken, refused, or parts are missing. */
import { PlatenError } from "../wire/error.ts";
import { parseJson } from "../wire/json.ts";
import type { Reason } from "../wire/reason.ts";
import { REASON_SENTENCES } from "../wire/reasons.table.ts";
import { type JobStatus, STATUS_BYTES_MAX, statusSchema } from "../wire/status.ts";

export type MissingRanges = NonNullable<JobStatus["missing"]>;

/** Null for anything that is no status; an emptied topic is none either. */
export function parseStatus(payload: Uint8Array): JobStatus | null {
  return parseJson(payload, STATUS_BYTES_MAX, statusSchema);
}

/** Whether the broker has the whole job. An end that is no success is an error. */
function judgeStatus(status: JobStatus): "receiving" | "stored" | PlatenError {
  // The state is then the other job's, which had the id first.
  if (status.reason === "duplicate") return refused(status, "duplicate");
  switch (status.state) {
    case "receiving":
      return "receiving";
    case "rejected":
    case "cancelled":
      return refused(status, status.reason ?? "internal");
    case "expired":
      return refused(status, "expired");
    default:
      return "stored";
  }
}

function refused({ state }: JobStatus, reason: Reason): PlatenError {
  return new PlatenError("job-rejected", { sentence: REASON_SENTENCES[reason], state, reason });
}

export class StatusWatch {
  /** Settles when the broker has the whole job, rejects when it refused it. */
  readonly decided: Promise<void>;
  readonly #verdict = Promise.withResolvers<void>();
  #missing: MissingRanges = [];
  #news = Promise.withResolvers<void>();

  constructor() {
    this.decided = this.#verdict.promise;
    // Whoever gave up before the verdict does not want it any more.
    this.decided.catch(() => {});
  }

  push(payload: Uint8Array): void {
    const status = parseStatus(payload);
    if (!status) return;
    const judged = judgeStatus(status);
    if (judged === "stored") this.#verdict.resolve();
    else if (judged instanceof PlatenError) this.#verdict.reject(judged);
    else if (status.missing) this.#missing = status.missing;
    this.#news.resolve();
    this.#news = Promise.withResolvers<void>();
  }

  fail(error: unknown): void {
    this.#verdict.reject(error);
  }

  /** The missing parts named since {@link forget}, waiting up to `waitMs` for them; empty when none were. */
  async missing(waitMs: number): Promise<MissingRanges> {
    const late = Promise.withResolvers<"late">();
    const timer = setTimeout(() => late.resolve("late"), waitMs);
    // Once the verdict is there nobody waits for news, and the timer must not keep the program.
    const over = () => late.resolve("late");
    this.decided.then(over, over);
    try {
      while (this.#missing.length === 0) {
        if ((await Promise.race([this.#news.promise, late.promise])) === "late") break;
      }
      return this.#missing;
    } finally {
      clearTimeout(timer);
    }
  }

  /** What was missing is no news once it was sent again. */
  forget(): void {
    this.#missing = [];
  }
}
