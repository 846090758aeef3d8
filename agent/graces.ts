/**
 * How long interrupted and delivered jobs can still be printed again, in running time. What is left is on disk, so that
 * no restart prolongs it: each costs one period of {@link Graces.save} instead.
 */
import { type JobRef, jobKey } from "../wire/name.ts";
import type { Db } from "./database.ts";

/** How often what is left is saved, at least: as much as a crash could give back. Each time writes to the card. */
const SAVE_MS = 60_000;

export type GraceState = "interrupted" | "delivered";
/** In milliseconds; 0: none. */
export type GraceTimes = Readonly<Record<GraceState, number>>;

interface Grace extends JobRef {
  readonly endMs: number;
}

export class Graces {
  readonly #monotonic: () => number;
  readonly #times: GraceTimes;
  readonly #graces = new Map<string, Grace>();
  readonly #read;
  readonly #write;
  readonly #remove;
  #savedAtMs: number;

  constructor(db: Db, monotonic: () => number, times: GraceTimes) {
    this.#monotonic = monotonic;
    this.#times = times;
    this.#savedAtMs = monotonic();
    this.#read = db
      .prepare<[string, string], number>("SELECT left_ms FROM grace WHERE user = ? AND job = ?")
      .pluck();
    this.#write = db.prepare<[string, string, number]>(
      "INSERT OR REPLACE INTO grace (user, job, left_ms) VALUES (?, ?, ?)",
    );
    this.#remove = db.prepare<[string, string]>("DELETE FROM grace WHERE user = ? AND job = ?");
  }

  /** Anew and in full, durably with the transaction it is called in. */
  begin(ref: JobRef, state: GraceState): void {
    this.#keep(ref, this.#times[state]);
  }

  /**
   * After a start: what was left, less what ran unsaved at most, and never more than is given now: the settings may have
   * been made stricter. In full where it had not begun.
   */
  resume(ref: JobRef, state: GraceState): void {
    const left = this.#read.get(ref.user, ref.job);
    const given = this.#times[state];
    this.#keep(ref, left === undefined ? given : Math.max(0, Math.min(left - SAVE_MS, given)));
  }

  leftMs(ref: JobRef): number {
    const grace = this.#graces.get(jobKey(ref));
    return grace ? Math.max(0, grace.endMs - this.#monotonic()) : 0;
  }

  isOver(ref: JobRef): boolean {
    return this.leftMs(ref) === 0;
  }

  end(ref: JobRef): void {
    if (this.#graces.delete(jobKey(ref))) this.#remove.run(ref.user, ref.job);
  }

  /** Whenever it is called, and writes as seldom as it may: `nextMs` from now it is called again. */
  save(nextMs: number): void {
    const now = this.#monotonic();
    if (now + nextMs - this.#savedAtMs <= SAVE_MS) return;
    this.#savedAtMs = now;
    for (const grace of this.#graces.values()) this.#write.run(grace.user, grace.job, this.leftMs(grace));
  }

  #keep({ user, job }: JobRef, leftMs: number): void {
    this.#graces.set(jobKey({ user, job }), { user, job, endMs: this.#monotonic() + leftMs });
    this.#write.run(user, job, leftMs);
  }
}
