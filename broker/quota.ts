/** What a user may have here at once, and what all together may. Bytes are those of part files. */
import { statfsSync } from "node:fs";
import { type JobRef, jobKey } from "../wire/name.ts";
import type { Reason } from "../wire/reason.ts";
import type { Jobs } from "./jobs.ts";

export interface QuotaLimits {
  readonly liveJobs: number;
  readonly userBytes: number;
  readonly submissionsPerHour: number;
  readonly jobBytes: number;
  readonly totalBytes: number;
  /** What stays free on the disk, for the ledger and the escrow. */
  readonly freeBytes: number;
}

/** The disk is asked again after this much came in. */
const ASK_DISK_BYTES = 4 * 1024 * 1024;

export class Quota {
  readonly #limits: QuotaLimits;
  readonly #jobs: Jobs;
  readonly #folder: string;
  readonly #byJob = new Map<string, number>();
  readonly #byUser = new Map<string, number>();
  #total = 0;
  #untilAsk = 0;
  #diskIsFull = false;

  /** @param folder on the disk that part files lie on */
  constructor(limits: QuotaLimits, jobs: Jobs, folder: string) {
    this.#limits = limits;
    this.#jobs = jobs;
    this.#folder = folder;
  }

  get totalBytes(): number {
    return this.#total;
  }

  /** True when a user has begun as many jobs in the last hour as they may: then not even a refusal is kept. */
  isExhausted(user: string, now: number): boolean {
    return this.#jobs.countSince(user, now - 3600) >= this.#limits.submissionsPerHour;
  }

  /** Whether one more job may begin; null: it may. */
  judgeJob(user: string): Reason | null {
    return this.#jobs.countWaiting(user) >= this.#limits.liveJobs ? "quota" : null;
  }

  /** Whether a job may have `bytes` in all. */
  judgeSize(bytes: number): Reason | null {
    return bytes > this.#limits.jobBytes ? "too-large" : null;
  }

  /** Whether `bytes` more may be stored for a job that has `had`; null: they may. */
  judgeBytes(user: string, had: number, bytes: number): Reason | null {
    if (had + bytes > this.#limits.jobBytes) return "too-large";
    if ((this.#byUser.get(user) ?? 0) + bytes > this.#limits.userBytes) return "quota";
    if (this.#total + bytes > this.#limits.totalBytes) return "disk-full";
    return this.#hasRoom(bytes) ? null : "disk-full";
  }

  /** `bytes` more of a job were stored. */
  grow(ref: JobRef, bytes: number): void {
    const key = jobKey(ref);
    this.#byJob.set(key, (this.#byJob.get(key) ?? 0) + bytes);
    this.#byUser.set(ref.user, (this.#byUser.get(ref.user) ?? 0) + bytes);
    this.#total += bytes;
  }

  /** The job's parts were removed. */
  release(ref: JobRef): void {
    const key = jobKey(ref);
    const bytes = this.#byJob.get(key) ?? 0;
    if (!this.#byJob.delete(key)) return;
    this.#total -= bytes;
    const left = (this.#byUser.get(ref.user) ?? 0) - bytes;
    if (left > 0) this.#byUser.set(ref.user, left);
    else this.#byUser.delete(ref.user);
    this.#untilAsk = 0;
  }

  #hasRoom(bytes: number): boolean {
    this.#untilAsk -= bytes;
    if (this.#untilAsk > 0) return !this.#diskIsFull;
    const { bavail, bsize } = statfsSync(this.#folder);
    const room = bavail * bsize - this.#limits.freeBytes;
    this.#diskIsFull = room < bytes;
    // Asked more often the nearer the end is, so that the reserve is never used up in between.
    this.#untilAsk = this.#diskIsFull ? 0 : Math.min(ASK_DISK_BYTES, room / 2);
    return !this.#diskIsFull;
  }
}
