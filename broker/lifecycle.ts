/**
 * What happens to a job: begun, stored, told of by agents, wished ended. Each change writes its rows first; `settle`
 * then does what follows from the rows, and may be called at any time, since it looks at what is and not at what came.
 */
import { randomUUID } from "node:crypto";
import type { JobEvent } from "../wire/agent-call.ts";
import { EXPIRES_MAX_S } from "../wire/limits.ts";
import { type JobRef, jobKey } from "../wire/name.ts";
import type { Reason } from "../wire/reason.ts";
import type { JobState } from "../wire/state.ts";
import { DELIVERED, isBack, isFinal, readWord } from "./agent-word.ts";
import type { Delivery } from "./delivery.ts";
import type { Escrow } from "./escrow.ts";
import { type CopyState, cameOut, foldCopies, isAtAgent, spreadEnd } from "./job-state.ts";
import { type Copy, groupByAgent, type Job, type Jobs } from "./jobs.ts";
import type { Ledger } from "./ledger.ts";
import { type Log, nameError } from "./log.ts";
import type { PartStore } from "./part-store.ts";
import type { Quota } from "./quota.ts";
import type { Target } from "./registry-port.ts";
import type { StatusBoard } from "./status.ts";
import { dropReason, type Tickets, wantsParts } from "./tickets.ts";
import type { Tombstones } from "./tombstones.ts";

export interface LifecycleParts {
  readonly jobs: Jobs;
  readonly ledger: Ledger;
  readonly tombstones: Tombstones;
  readonly escrow: Escrow;
  readonly parts: PartStore;
  readonly quota: Quota;
  readonly status: StatusBoard;
  readonly tickets: Tickets;
  readonly delivery: Delivery;
  readonly log: Log;
  /** Unix seconds. */
  readonly now: () => number;
}

/** What is known of a job when its first message comes. */
export interface JobBeginning {
  readonly expires: number;
  readonly parts?: number;
  readonly bytes?: number;
  readonly digest?: Buffer;
}

/** An agent's clock, from which it counts a default expiry, may be ahead of ours by this. */
const CLOCK_SLACK_S = 3600;

export class Lifecycle {
  readonly #with: LifecycleParts;

  constructor(parts: LifecycleParts) {
    this.#with = parts;
  }

  /** The row before the first byte. */
  begin(ref: JobRef, target: Target, beginning: JobBeginning): Job {
    const { jobs, log } = this.#with;
    const agents = groupByAgent(target);
    const job = this.#makeJob(ref, target.name, {
      state: "receiving",
      otp: target.otp,
      isGroup: agents.length > 1,
      expires: beginning.expires,
      parts: beginning.parts ?? null,
      bytes: beginning.bytes ?? null,
      digest: beginning.digest ?? null,
    });
    jobs.insert(job, agents);
    log.write("job-begun", { user: ref.user, job: ref.job, target: target.name });
    return job;
  }

  /** A job that is refused with its first message: its sender finds the reason. */
  refuse(ref: JobRef, target: string, reason: Reason): void {
    const { jobs } = this.#with;
    const job = this.#makeJob(ref, target, { state: "rejected", reason, endedAt: this.#with.now() });
    jobs.transact(() => {
      jobs.insert(job, []);
      this.#record(job, "rejected", reason);
    });
    this.#announce(job, []);
  }

  /** Every part is on the disk. False when the job ended meanwhile. */
  store(ref: JobRef, bytes: number): boolean {
    const { jobs, tickets } = this.#with;
    const job = jobs.get(ref);
    if (job?.state !== "receiving") return false;
    const stored: Job = { ...job, state: "stored", at: this.#with.now() };
    jobs.transact(() => {
      jobs.change(ref, { state: "stored", at: stored.at });
      this.#record(job, "stored", null, bytes);
      this.#settleRows(ref);
    });
    const copies = jobs.copiesOf(ref);
    // Told even where an agent, which had its parts early, is further already.
    this.#announce(stored, copies);
    const settled = this.#follow(ref, stored);
    if (settled) tickets.send(settled, copies);
    return true;
  }

  /** Ends a job here and now, whatever its copies are; agents are told to let go. What was delivered stays so. */
  end(ref: JobRef, state: JobState, reason: Reason): void {
    const { jobs } = this.#with;
    const job = jobs.get(ref);
    if (!job || job.endedAt !== null) return;
    if (job.deliveredAgent !== null) {
      this.#endCopies(job.deliveredAgent, jobs.copiesOf(ref), reason);
      return;
    }
    jobs.transact(() => {
      jobs.change(ref, { state, reason, at: this.#with.now(), endedAt: this.#with.now() });
      this.#record(job, state, reason);
    });
    this.#follow(ref, job);
  }

  /** Asks that a job be ended: at once where no agent can print it, else when its agents let go. */
  wish(ref: JobRef, reason: Reason): boolean {
    const { jobs } = this.#with;
    const job = jobs.get(ref);
    if (!job || job.endedAt !== null) return false;
    if (job.wish !== null) return true;
    jobs.transact(() => {
      jobs.change(ref, { wish: reason });
      this.#settleRows(ref);
    });
    this.#follow(ref, job);
    return true;
  }

  /**
   * Takes what an agent tells. Resolves with the ids that are in the ledger for good and, where final, whose shares
   * are gone. Rejects where the disk fails: nothing is confirmed then.
   */
  async takeEvents(agent: string, events: readonly JobEvent[]): Promise<string[]> {
    const { jobs, escrow, tombstones, tickets, now } = this.#with;
    const changed = new Map<string, Job>();
    // Of a job it has no copy of an agent has no share either.
    const finals = events.filter((event) => isFinal(event) && jobs.copyAt(agent, event) !== null);
    // One transaction, and so one wait for the disk, whatever the batch holds.
    jobs.transact(() => {
      for (const event of events) {
        const before = jobs.get(event);
        if (!this.#takeEvent(agent, event) || !before) continue;
        if (!changed.has(jobKey(event))) changed.set(jobKey(event), before);
        this.#settleRows(event);
      }
      for (const event of finals) tombstones.add(agent, event, now());
    });
    for (const before of changed.values()) {
      const job = this.#follow(before, before);
      // It was printing when it was told to let go, and must not be printed again.
      const copy = job && jobs.copyAt(agent, job);
      if (copy && !copy.final && copy.until !== null && before.wish !== null) tickets.send(job, [copy]);
    }
    await escrow.drop(agent, finals, now());
    return events.map(({ id }) => id);
  }

  /** An agent told (with a share for the escrow) until when it holds the job. */
  extend(ref: JobRef, expires: number): void {
    const { jobs } = this.#with;
    const job = jobs.get(ref);
    const latest = (job?.createdAt ?? 0) + EXPIRES_MAX_S + CLOCK_SLACK_S;
    if (job && expires > job.expires) jobs.change(ref, { expires: Math.min(expires, latest) });
  }

  /** The claim on a group's job: to one agent only, and again to the same. */
  claim(agent: string, ref: JobRef): boolean {
    const { jobs } = this.#with;
    const job = jobs.get(ref);
    const copy = jobs.copyAt(agent, ref);
    if (!job || !copy || copy.final || dropReason(job, agent) !== null) return false;
    if (job.claimedAgent === null) jobs.change(ref, { claimedAgent: agent });
    return job.claimedAgent === null || job.claimedAgent === agent;
  }

  /** An agent is trusted no more: its copies end, and with them the jobs that waited for nobody else. */
  revokeAgent(agent: string): void {
    const { jobs } = this.#with;
    const open = jobs.openCopiesAt(agent);
    this.#endCopies(agent, open, "revoked");
    this.#drop([agent], open);
  }

  /**
   * An agent began anew, with nothing in memory: what it holds and the escrow has no share of opens never again. Their
   * senders hear of it before they stand at the printer, and the agent is told to end them, until it has.
   */
  loseUnshared(agent: string): void {
    const { jobs, escrow, tickets, now } = this.#with;
    // Past its expiry the share went in good order, and the agent may still have an end to tell.
    const isAlive = (ref: JobRef) => (jobs.get(ref)?.expires ?? 0) > now();
    const lost = jobs
      .openCopiesAt(agent)
      .filter((copy) => isAtAgent(copy) && isAlive(copy) && !escrow.has(agent, copy));
    jobs.transact(() => {
      for (const copy of lost) jobs.changeCopy(agent, copy, { ...copy, reason: "lost" });
    });
    for (const copy of lost) {
      this.settle(copy);
      const job = jobs.get(copy);
      if (job) tickets.send(job, [{ ...copy, reason: "lost" }]);
    }
  }

  /** Ends copies of an agent of which it will tell nothing more. */
  #endCopies(agent: string, copies: readonly Copy[], reason: Reason): void {
    const { jobs } = this.#with;
    jobs.transact(() => {
      for (const copy of copies) {
        if (copy.agent !== agent) continue;
        const isDelivered = jobs.get(copy)?.deliveredAgent === agent;
        const end = isDelivered ? DELIVERED : { state: "rejected" as const, reason };
        jobs.changeCopy(agent, copy, { ...copy, ...end, until: null, final: true });
      }
    });
    for (const copy of copies) this.settle(copy);
  }

  /** Makes a job's row what its copies say, and does what follows. */
  settle(ref: JobRef): void {
    const before = this.#with.jobs.get(ref);
    if (!before) return;
    this.#with.jobs.transact(() => this.#settleRows(ref));
    this.#follow(ref, before);
  }

  #settleRows(ref: JobRef): void {
    const { jobs, now } = this.#with;
    const job = jobs.get(ref);
    const folded = job && this.#fold(job, jobs.copiesOf(ref));
    const isSame = folded?.state === job?.state && folded?.reason === job?.reason;
    if (!folded || (isSame && !folded.ended)) return;
    const endedAt = folded.ended ? (job.endedAt ?? now()) : job.endedAt;
    jobs.change(ref, { state: folded.state, reason: folded.reason, at: isSame ? job.at : now(), endedAt });
    const isTold = job.wish === null || job.deliveredAgent !== null;
    if (folded.ended && !isTold) this.#record(job, folded.state, folded.reason);
  }

  #fold(job: Job, copies: readonly Copy[]): ReturnType<typeof foldCopies> | null {
    if (job.state === "receiving" && job.wish === null && copies.some((copy) => !copy.final)) return null;
    const folded = foldCopies(copies, job.wish);
    if (job.endedAt === null) return folded;
    // An end stays, unless an agent tells that paper came out after all: that is the truth then.
    const came = copies.some(
      (copy) =>
        cameOut(copy.state) && copy.state === folded.state && (copy.final || copy.state === "delivered"),
    );
    return came && folded.state !== job.state ? folded : null;
  }

  /** The effects of what the rows now say; `before` is what they said. */
  #follow(ref: JobRef, before: Job): Job | null {
    const { jobs, parts, quota, delivery, tickets } = this.#with;
    const job = jobs.get(ref);
    if (!job) return null;
    const copies = jobs.copiesOf(ref);
    if (job.endedAt !== null || !copies.some((copy) => wantsParts(job, copy))) {
      delivery.stop(ref);
      parts.remove(ref);
      quota.release(ref);
    }
    for (const copy of copies) if (!wantsParts(job, copy)) delivery.stop(ref, copy.agent);
    const ended = job.endedAt !== null && before.endedAt === null;
    if (job.state !== before.state || job.reason !== before.reason || ended) this.#announce(job, copies);
    else if (job.isGroup) this.#with.status.publish(job, copies, null);
    const leaving = copies.filter(
      ({ agent }) => dropReason(job, agent) !== null && dropReason(job, agent) !== dropReason(before, agent),
    );
    if (leaving.length > 0) {
      this.#drop(
        leaving.map(({ agent }) => agent),
        [ref],
      );
      tickets.send(job, leaving);
    }
    return job;
  }

  #takeEvent(agent: string, event: JobEvent): boolean {
    const { jobs, ledger, log, now } = this.#with;
    const { user, job: id } = event;
    const copy = jobs.copyAt(agent, event);
    const job = jobs.get(event);
    if (!copy || !job) {
      log.write("event-unknown-job", { agent, user, job: id });
      return false;
    }
    const { change, isFirst, isRepeat } = readWord(job, copy, event);
    const { state, reason, final } = change;
    // The same end again, or more than any honest agent tells.
    if (copy.final && copy.state === state) return false;
    if (!final && ledger.isFull(agent, event)) return false;
    const { printer, at, bytes, bytesAtMost = null, again = false } = event;
    const told = { state, reason, printer, at, bytes, bytesAtMost, again, isRepeat };
    const ours = { agent, user, job: id, target: job.target, receivedAt: now() };
    const isNew = ledger.record({ ...ours, ...told, id: event.id });
    if (!isNew || copy.final || state === "receiving" || state === "stored") return false;
    jobs.changeCopy(agent, event, change);
    if (isFirst && !final) jobs.change(event, { deliveredAgent: agent });
    this.#spread(agent, job, copy, change);
    return true;
  }

  /** What one agent's word means for the others: an end for all, or the claim given back. */
  #spread(agent: string, job: Job, before: Copy, copy: CopyState): void {
    const { jobs } = this.#with;
    const spread = spreadEnd(copy);
    if (spread !== null && spread !== "printed-elsewhere" && job.wish === null)
      jobs.change(job, { wish: spread });
    else if (job.claimedAgent === agent && spread === null && (copy.final || isBack(before, copy.state))) {
      jobs.change(job, { claimedAgent: null });
    }
  }

  #announce(job: Job, copies: readonly Copy[]): void {
    const { user, job: id, state, reason } = job;
    this.#with.log.write("job-state", { user, job: id, state, reason });
    this.#with.status.publish(job, copies, state === "receiving" ? this.#with.parts.get(job) : null);
  }

  #drop(agents: readonly string[], refs: readonly JobRef[]): void {
    const { jobs, escrow, tombstones, log, now } = this.#with;
    jobs.transact(() => {
      for (const agent of agents) for (const ref of refs) tombstones.add(agent, ref, now());
    });
    for (const agent of agents) {
      escrow.drop(agent, refs, now()).catch((error: unknown) => {
        log.write("storage-failed", { what: "escrow", code: nameError(error) });
      });
    }
  }

  #record(job: Job, state: JobState, reason: Reason | null, bytes: number | null = null): void {
    const at = this.#with.now();
    const { user, job: id, target } = job;
    const plain = { bytesAtMost: null, again: false, isRepeat: false };
    const own = { id: randomUUID(), agent: null, printer: null, at, receivedAt: at, ...plain };
    this.#with.ledger.record({ ...own, user, job: id, target, state, reason, bytes });
  }

  #makeJob(ref: JobRef, target: string, fields: Partial<Job> & Pick<Job, "state">): Job {
    const now = this.#with.now();
    return {
      user: ref.user,
      job: ref.job,
      target,
      reason: null,
      at: now,
      createdAt: now,
      parts: null,
      bytes: null,
      expiresSaid: null,
      digest: null,
      expires: now,
      otp: 8,
      isGroup: false,
      claimedAgent: null,
      deliveredAgent: null,
      wish: null,
      endedAt: null,
      isHidden: false,
      ...fields,
    };
  }
}
