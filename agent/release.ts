/** An OTP typed at the keypad, judged: what is charged, what is compared, what it releases. */
import type { Clock } from "./clock.ts";
import { closeJob, type OpenedJob, proveDocuments } from "./document.ts";
import type { Graces } from "./graces.ts";
import type { Handover } from "./handover.ts";
import type { Job } from "./job.ts";
import type { JobRecord } from "./job-record.ts";
import type { Jobs } from "./jobs.ts";
import type { KeeperPolicy, Release, Verdict } from "./keeper-port.ts";
import type { Lookup } from "./lookup.ts";
import { chooseOwed, isCollision, isUnderWay, orderForPrint } from "./matching.ts";
import type { Spool } from "./spool.ts";
import { faultOfStorage } from "./storage-fault.ts";
import type { Stretch } from "./stretch.ts";
import type { Traces } from "./traces.ts";
import type { Tries } from "./tries.ts";
import type { Worker } from "./worker.ts";

/** What a release works with. */
export interface ReleaseRoom {
  readonly jobs: Jobs;
  readonly lookup: Lookup;
  readonly handover: Handover;
  readonly stretch: Stretch;
  readonly tries: Tries;
  readonly traces: Traces;
  readonly spool: Spool;
  readonly graces: Graces;
  readonly clock: Clock;
  readonly workers: readonly Worker[];
  readonly policy: KeeperPolicy;
}

/** An OTP of ten digits begins with one of eight. */
const PREPARING_MAX = 2;
const NOT_ACCEPTED: Verdict = { kind: "not-accepted" };
const STORAGE_MEANING = "Nothing was printed and the OTP stays good. Free some space or replace the card.";

export class KeypadRelease implements Release {
  readonly #room: ReleaseRoom;
  /** Derivations begun before Enter and not yet done. */
  #preparing = 0;
  #prepared: { readonly otp: string; readonly st: Promise<Uint8Array> } | null = null;
  #last: Promise<unknown> = Promise.resolve();
  #isStopped = false;

  constructor(room: ReleaseRoom) {
    this.#room = room;
  }

  prepare(otp: string): void {
    if (!this.#isPossible(otp) || this.#prepared?.otp === otp) return;
    this.forget();
    // Faster than anybody types: whoever presses Enter next would wait for all of them.
    if (this.#preparing >= PREPARING_MAX) return;
    this.#preparing++;
    const st = this.#room.stretch.derive(otp, "keypad");
    const done = (): void => {
      this.#preparing--;
    };
    st.then(done, done);
    this.#prepared = { otp, st };
  }

  forget(): void {
    void this.#prepared?.st.then(
      (st) => st.fill(0),
      () => undefined,
    );
    this.#prepared = null;
  }

  enter(otp: string): Promise<Verdict> {
    const atMs = this.#room.clock.monotonic();
    const verdict = this.#last.then(() => this.#judge(otp, atMs));
    this.#last = verdict.catch(() => undefined);
    return verdict;
  }

  /** Resolves once no entry is being judged; later ones are refused. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.forget();
    await this.#last;
  }

  #isPossible(otp: string): boolean {
    if (!/^[0-9]{1,32}$/.test(otp)) return false;
    return (
      this.#room.policy.otpDigits.includes(otp.length) ||
      this.#candidates().some((job) => job.otpDigits === otp.length)
    );
  }

  /** Jobs an OTP may belong to, those that print already included: their owner may type it again. */
  #candidates(): Job[] {
    const now = this.#room.clock.now();
    return this.#room.jobs.live().filter((job) => {
      if (job.state === "arriving") return false;
      if (job.state === "held") return now === null || job.expires === null || job.expires > now;
      const isOpen = job.state === "interrupted" || job.state === "delivered";
      return !isOpen || !this.#room.graces.isOver(job);
    });
  }

  async #judge(otp: string, atMs: number): Promise<Verdict> {
    if (this.#isStopped) return { kind: "locked" };
    const { lookup, tries, workers } = this.#room;
    try {
      for (const worker of workers) worker.settle();
      if (!this.#isPossible(otp)) return { kind: "wrong-length" };
      if (lookup.isLocked(this.#candidates())) return { kind: "locked" };
      if (tries.left === 0) return { kind: "wait", seconds: tries.waitSeconds };
      tries.charge();
      const st = await this.#stretched(otp);
      try {
        return await this.#compare(st, atMs);
      } finally {
        st.fill(0);
      }
    } catch (cause) {
      throw faultOfStorage(cause, "the agent's folder", STORAGE_MEANING);
    }
  }

  #stretched(otp: string): Promise<Uint8Array> {
    const prepared = this.#prepared;
    if (prepared?.otp !== otp) {
      this.forget();
      return this.#room.stretch.derive(otp, "keypad");
    }
    this.#prepared = null;
    return prepared.st;
  }

  async #compare(st: Uint8Array, atMs: number): Promise<Verdict> {
    const { lookup, tries } = this.#room;
    const found = await lookup.find(st, this.#candidates());
    if (found.kind === "away") {
      // After a comparison the try stays charged: pulling the cable must not buy guesses.
      if (!found.isInformative) tries.giveBack();
      return { kind: "locked" };
    }
    await this.#lose(found.damaged);
    const kept = new Set<JobRecord>();
    try {
      return await this.#decide(found.opened, kept, atMs);
    } finally {
      for (const opened of found.opened) if (!kept.has(opened.record)) closeJob(opened);
    }
  }

  /** @param kept filled with the records a worker took over */
  async #decide(matched: readonly OpenedJob[], kept: Set<JobRecord>, atMs: number): Promise<Verdict> {
    const { handover, jobs, tries, workers } = this.#room;
    // What ended while the escrow was asked is no match any more.
    const live = matched.flatMap(({ job, record }) => {
      const now = jobs.find(job);
      return now && !now.final ? [{ job: now, record }] : [];
    });
    if (live.length === 0 || isCollision(live)) {
      await this.#collide(live);
      tries.fail();
      return NOT_ACCEPTED;
    }
    const paused = workers.filter((worker) => live.some(({ job }) => worker.needsOtp(job)));
    for (const worker of paused) worker.resume();
    const ordered = orderForPrint(chooseOwed(live));
    const { whole, lost } = await proveDocuments(this.#room.spool, ordered);
    await this.#lose(lost);
    if (whole.length > 0) return await handover.release(whole, kept, atMs);
    tries.giveBack();
    const [first] = lost;
    if (first) return { kind: "printer-care", printer: first.printers[0] ?? "", reason: "lost" };
    if (!live.some(({ job }) => isUnderWay(job))) return NOT_ACCEPTED;
    return { kind: "released", jobs: paused.length, waiting: paused.length === 0 };
  }

  /** Several people's documents under one OTP: nobody gets any of them, and nobody can try the pair again. */
  async #collide(matched: readonly OpenedJob[]): Promise<void> {
    const { jobs, traces } = this.#room;
    const ended = jobs.commit(() =>
      matched.map(({ job }) =>
        jobs.apply(job, { kind: "dropped", state: "cancelled", reason: "otp-collision" }),
      ),
    );
    for (const job of ended) if (job) await traces.destroy(job);
  }

  async #lose(damaged: readonly Job[]): Promise<void> {
    for (const job of damaged) {
      const lost = this.#room.jobs.apply(job, { kind: "lost" });
      if (lost) await this.#room.traces.destroy(lost);
    }
  }
}
