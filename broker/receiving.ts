/** Jobs whose parts are coming in: what is kept in memory so that a part costs no look into the database. */
import { PART_BYTES_MIN, PAYLOAD_BYTES_MAX } from "../wire/limits.ts";
import { type JobRef, jobKey } from "../wire/name.ts";
import type { Reason } from "../wire/reason.ts";
import type { Job } from "./jobs.ts";
import type { PartFile } from "./part-file.ts";

export interface Reception {
  readonly ref: JobRef;
  readonly target: string;
  /** What `end` said, if it came. */
  end: { readonly parts: number; readonly bytes: number } | null;
  /** Of a running clock: the last message, and the last status that told of progress. */
  heardAtMs: number;
  toldAtMs: number;
  /** Parts shorter than any but the last may be. */
  shortParts: number;
  completing: boolean;
}

export class Receiving {
  readonly #receptions = new Map<string, Reception>();

  get(ref: JobRef): Reception | null {
    return this.#receptions.get(jobKey(ref)) ?? null;
  }

  /** `parts`: what an earlier run of the broker left. */
  open(job: Job, nowMs: number, parts: PartFile | null = null): Reception {
    const { user, job: id, target } = job;
    const reception: Reception = {
      ref: { user, job: id },
      target,
      end: job.parts === null ? null : { parts: job.parts, bytes: job.bytes ?? 0 },
      heardAtMs: nowMs,
      toldAtMs: Number.NEGATIVE_INFINITY,
      shortParts: [...(parts?.lengths() ?? [])].filter(([, length]) => length < PART_BYTES_MIN).length,
      completing: false,
    };
    this.#receptions.set(jobKey(job), reception);
    return reception;
  }

  close(ref: JobRef): void {
    this.#receptions.delete(jobKey(ref));
  }

  /** Those nobody sent to since `beforeMs`. */
  silentSince(beforeMs: number): JobRef[] {
    return [...this.#receptions.values()]
      .filter(({ heardAtMs, completing }) => heardAtMs < beforeMs && !completing)
      .map(({ ref }) => ref);
  }
}

/** What is wrong with a part by itself; null: nothing. */
export function judgePart(reception: Reception, n: number, part: Uint8Array, isNew: boolean): Reason | null {
  if (part.length > PAYLOAD_BYTES_MAX) return "too-large";
  if (part.length === 0) return "malformed";
  // Of short parts there is one, the last: many would cost more to keep than they carry.
  if (isNew && part.length < PART_BYTES_MIN && reception.shortParts > 0) return "malformed";
  return reception.end && n >= reception.end.parts ? "incomplete" : null;
}

/** What is wrong with a job of which `end` said everything is there; null: nothing. */
export function judgeWhole(
  parts: PartFile,
  end: { readonly parts: number; readonly bytes: number },
): Reason | null {
  if (parts.count !== end.parts || parts.bytes !== end.bytes) return "incomplete";
  if (end.parts === 1) return null;
  const size = parts.lengthOf(0) ?? 0;
  if (size < PART_BYTES_MIN) return "malformed";
  for (const [n, length] of parts.lengths()) {
    if (n === end.parts - 1 ? length > size : length !== size) return "malformed";
  }
  return null;
}
