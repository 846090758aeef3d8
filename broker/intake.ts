/**
 * What senders publish. Every message is answered on the job's status topic and none by an MQTT error. `only` and `end`
 * are confirmed (PUBACK) once the job is on the disk; a part when it is in its file, which is no promise.
 */
import { createHash } from "node:crypto";
import { parseJson } from "../wire/json.ts";
import { PART_BYTES_MIN, PAYLOAD_BYTES_MAX, SMALL_JSON_BYTES_MAX } from "../wire/limits.ts";
import type { JobRef } from "../wire/name.ts";
import type { Reason } from "../wire/reason.ts";
import { endSchema } from "../wire/status.ts";
import type { SendLeaf } from "../wire/topic.ts";
import type { Delivery } from "./delivery.ts";
import type { Job, Jobs } from "./jobs.ts";
import type { JobBeginning, Lifecycle } from "./lifecycle.ts";
import { type Log, nameError } from "./log.ts";
import type { PartFile } from "./part-file.ts";
import type { PartStore } from "./part-store.ts";
import type { Quota } from "./quota.ts";
import { judgePart, judgeWhole, type Receiving, type Reception } from "./receiving.ts";
import type { Directory } from "./registry-port.ts";
import type { StatusBoard } from "./status.ts";
import type { Tickets } from "./tickets.ts";

export interface IntakeOptions {
  readonly jobs: Jobs;
  readonly lifecycle: Lifecycle;
  readonly receiving: Receiving;
  readonly parts: PartStore;
  readonly quota: Quota;
  readonly delivery: Delivery;
  readonly tickets: Tickets;
  readonly status: StatusBoard;
  readonly directory: Directory;
  readonly log: Log;
  readonly policy: { readonly expiresSeconds: number; readonly expiresMaxSeconds: number };
  /** Unix seconds; and a clock that never goes back. */
  readonly now: () => number;
  readonly monotonicMs: () => number;
}

/** What a sender's message is about. */
export interface Submission extends JobRef {
  readonly target: string;
}

const DISK_FULL: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT", "SQLITE_FULL"]);
/** Between two statuses that tell of progress. */
const PROGRESS_MS = 250;
/** A sender's clock may be ahead of ours by this. */
const CLOCK_SLACK_S = 300;

export class Intake {
  readonly #with: IntakeOptions;

  constructor(options: IntakeOptions) {
    this.#with = options;
  }

  /** Never rejects for what was sent; where the disk fails, the job is refused with `disk-full` or `internal`. */
  async take(submission: Submission, leaf: SendLeaf, payload: Buffer): Promise<void> {
    try {
      switch (leaf.kind) {
        case "part":
          this.#takePart(submission, leaf.n, payload);
          // A whole job's last part may be one that was missing.
          return await this.#completeIfWhole(submission);
        case "only":
          return await this.#takeOnly(submission, payload);
        case "end":
          return await this.#takeEnd(submission, payload);
        case "cancel":
          return this.#takeCancel(submission);
      }
    } catch (error) {
      this.#fail(submission, error);
    }
  }

  /** A topic of this sender's that is not of the contract. A job that exists is left alone. */
  takeMalformed(ref: JobRef): void {
    const { jobs, quota, lifecycle, now } = this.#with;
    if (jobs.get(ref) || quota.isExhausted(ref.user, now())) return;
    lifecycle.refuse(ref, "unknown", "malformed");
  }

  /** Takes up, at a start, what was being received. */
  async restore(job: Job, parts: PartFile): Promise<void> {
    this.#with.receiving.open(job, this.#with.monotonicMs(), parts);
    this.#with.quota.grow(job, parts.bytes);
    await this.#completeIfWhole(job);
  }

  #takePart(submission: Submission, n: number, part: Buffer): void {
    const reception = this.#with.receiving.get(submission) ?? this.#begin(submission);
    if (!reception || reception.completing) return;
    reception.heardAtMs = this.#with.monotonicMs();
    const file = this.#fileOf(submission);
    const isNew = !file.has(n);
    const fault =
      submission.target !== reception.target
        ? "malformed"
        : (judgePart(reception, n, part, isNew) ??
          this.#judgeRoom(submission, file, isNew ? part.length : 0));
    if (fault) this.#reject(submission, fault);
    else this.#append(reception, file, n, part);
  }

  #append(reception: Reception, file: PartFile, n: number, part: Buffer): void {
    const { quota, delivery, tickets, jobs } = this.#with;
    const { ref } = reception;
    const outcome = file.append(n, part);
    if (outcome === "different") this.#reject(ref, "malformed");
    if (outcome !== "new") return;
    if (part.length < PART_BYTES_MIN) reception.shortParts++;
    quota.grow(ref, part.length);
    if (n === 0) {
      const job = jobs.get(ref);
      if (job) tickets.send(job, jobs.copiesOf(ref));
    }
    delivery.notice(ref, n, part);
    this.#tellProgress(reception, file);
  }

  async #takeOnly(submission: Submission, payload: Buffer): Promise<void> {
    const { jobs } = this.#with;
    const digest = createHash("sha256").update(payload).digest();
    const there = jobs.get(submission);
    if (there && !(there.state === "receiving" && there.digest?.equals(digest))) {
      return this.#answerLate(there, there.digest?.equals(digest) === true);
    }
    if (!there && !this.#begin(submission, { parts: 1, bytes: payload.length, digest })) return;
    this.#takePart(submission, 0, payload);
    await this.#completeIfWhole(submission);
  }

  async #takeEnd(submission: Submission, payload: Buffer): Promise<void> {
    const end = parseJson(payload, SMALL_JSON_BYTES_MAX, endSchema);
    const there = this.#with.jobs.get(submission);
    if (there && there.state !== "receiving") {
      return this.#answerLate(there, end !== null && there.parts === end.parts && there.bytes === end.bytes);
    }
    const reception = this.#with.receiving.get(submission) ?? this.#begin(submission);
    if (!reception) return;
    reception.heardAtMs = this.#with.monotonicMs();
    if (!end || submission.target !== reception.target) return this.#reject(submission, "malformed");
    const fault = this.#judgeEnd(reception, end) ?? this.#judgeExpiry(end.expires);
    if (fault) return this.#reject(submission, fault);
    if (!reception.end) this.#keepEnd(reception, end);
    await this.#completeIfWhole(submission);
    if (this.#with.receiving.get(submission)) this.#tellProgress(reception, this.#fileOf(submission), true);
  }

  #judgeEnd(reception: Reception, end: { parts: number; bytes: number }): Reason | null {
    const said = reception.end;
    if (said && (said.parts !== end.parts || said.bytes !== end.bytes)) return "incomplete";
    const file = this.#fileOf(reception.ref);
    for (const [n] of file.lengths()) if (n >= end.parts) return "incomplete";
    // More parts than so few bytes fill, or fewer than hold them: then no part that comes can make it whole.
    const [least, most] = [(end.parts - 1) * PART_BYTES_MIN, end.parts * PAYLOAD_BYTES_MAX];
    if (end.bytes <= least || end.bytes > most) return "incomplete";
    return this.#with.quota.judgeSize(end.bytes);
  }

  #judgeExpiry(expires: number | undefined): Reason | null {
    const now = this.#with.now();
    if (expires === undefined) return null;
    const latest = now + this.#with.policy.expiresMaxSeconds + CLOCK_SLACK_S;
    return expires <= now || expires > latest ? "expiry-policy" : null;
  }

  #keepEnd(reception: Reception, end: { parts: number; bytes: number; expires?: number | undefined }): void {
    reception.end = end;
    const said = end.expires === undefined ? {} : { expiresSaid: end.expires, expires: end.expires };
    this.#with.jobs.change(reception.ref, { parts: end.parts, bytes: end.bytes, ...said });
  }

  #takeCancel(submission: Submission): void {
    const { jobs, lifecycle, receiving } = this.#with;
    const job = jobs.get(submission);
    if (!job) return;
    if (job.endedAt !== null) this.#answerLate(job, true);
    else lifecycle.wish(submission, "by-sender");
    receiving.close(submission);
  }

  async #completeIfWhole(ref: JobRef): Promise<void> {
    const { receiving, parts, lifecycle } = this.#with;
    const reception = receiving.get(ref);
    if (!reception?.end || reception.completing) return;
    const file = this.#fileOf(ref);
    if (file.count < reception.end.parts) return;
    const fault = judgeWhole(file, reception.end);
    if (fault) return this.#reject(ref, fault);
    reception.completing = true;
    await parts.sync(ref);
    receiving.close(ref);
    lifecycle.store(ref, file.bytes);
  }

  /** The first message of a job. Null: it was refused, or is a late one of a job that is past this. */
  #begin(submission: Submission, known: Partial<JobBeginning> = {}): Reception | null {
    const { jobs, quota, directory, lifecycle, status, receiving, now, policy } = this.#with;
    const there = jobs.get(submission);
    if (there) {
      this.#answerLate(there, true);
      return null;
    }
    if (quota.isExhausted(submission.user, now())) {
      status.publishRefusal(submission, "quota", now());
      return null;
    }
    const target = directory.target(submission.target);
    const fault = target ? quota.judgeJob(submission.user) : "unknown-target";
    if (!target || fault) {
      lifecycle.refuse(submission, submission.target, fault ?? "unknown-target");
      return null;
    }
    const job = lifecycle.begin(submission, target, { expires: now() + policy.expiresSeconds, ...known });
    this.#with.parts.create(submission);
    return receiving.open(job, this.#with.monotonicMs());
  }

  /** A message of a job that is past receiving: what agrees is told again how it stands, what does not is refused. */
  #answerLate(job: Job, agrees: boolean): void {
    const { status, jobs } = this.#with;
    if (agrees) status.publish(job, jobs.copiesOf(job), null);
    else status.publishDuplicate(job, jobs.copiesOf(job));
  }

  #judgeRoom(submission: Submission, file: PartFile, bytes: number): Reason | null {
    return bytes === 0 ? null : this.#with.quota.judgeBytes(submission.user, file.bytes, bytes);
  }

  #reject(ref: JobRef, reason: Reason): void {
    this.#with.receiving.close(ref);
    this.#with.log.write("job-refused", { user: ref.user, job: ref.job, reason });
    this.#with.lifecycle.end(ref, "rejected", reason);
  }

  #tellProgress(reception: Reception, file: PartFile, always = false): void {
    const now = this.#with.monotonicMs();
    if (!always && now - reception.toldAtMs < PROGRESS_MS) return;
    reception.toldAtMs = now;
    const job = this.#with.jobs.get(reception.ref);
    if (job) this.#with.status.publish(job, this.#with.jobs.copiesOf(reception.ref), file);
  }

  #fail(ref: JobRef, error: unknown): void {
    const { log, parts, receiving, status, lifecycle, now } = this.#with;
    const code = nameError(error);
    const reason = DISK_FULL.has(code) ? "disk-full" : "internal";
    receiving.close(ref);
    try {
      // It may have been cancelled while the disk was busy.
      if (this.#with.jobs.get(ref)?.endedAt) return;
      log.write("storage-failed", { what: "job", code });
      // First what takes the room, so that there is some to write down that it ended.
      parts.remove(ref);
      lifecycle.end(ref, "rejected", reason);
    } catch (second) {
      log.write("storage-failed", { what: "database", code: nameError(second) });
      status.publishRefusal(ref, reason, now());
    }
  }

  #fileOf(ref: JobRef): PartFile {
    return this.#with.parts.get(ref) ?? this.#with.parts.create(ref);
  }
}
