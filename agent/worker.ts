/** One printer's worker: one job at a time, first come first served, from `printing` on disk to the last trace. */
import type { JobRef } from "../wire/name.ts";
import { jobKey } from "../wire/name.ts";
import type { Reason } from "../wire/reason.ts";
import type { Clock } from "./clock.ts";
import { type BytesTaken, DeviceError } from "./device.ts";
import { closeJob, DocumentLost, type OpenedJob, readDocument } from "./document.ts";
import type { Jobs } from "./jobs.ts";
import type { KeeperPolicy, KeeperSignals, Timing } from "./keeper-port.ts";
import type { OpenPrinter } from "./open-printer.ts";
import type { PrinterLine, Readiness } from "./printer-line.ts";
import { printCopy } from "./printing.ts";
import type { Spool } from "./spool.ts";
import { StallWatch } from "./stall-watch.ts";
import type { Traces } from "./traces.ts";

/** What a worker works with. */
export interface WorkerRoom {
  readonly jobs: Jobs;
  readonly spool: Spool;
  readonly traces: Traces;
  readonly clock: Clock;
  readonly policy: KeeperPolicy;
  readonly signals: KeeperSignals;
}

interface Current {
  readonly ref: JobRef;
  readonly watch: StallWatch;
  /** Of the copy being printed. */
  printer: OpenPrinter;
  /** Copies that are out whole. The row may say one less: the disk is asked last. */
  copiesOut: number;
}

export class Worker {
  readonly #line: PrinterLine;
  readonly #room: WorkerRoom;
  readonly #queue: OpenedJob[] = [];
  readonly #stopping = new AbortController();
  #current: Current | null = null;
  #running: Promise<void> | null = null;
  /** What became of jobs and the disk did not take in yet, in order. */
  readonly #unsaid: (() => void)[] = [];

  constructor(line: PrinterLine, room: WorkerRoom) {
    this.#line = line;
    this.#room = room;
  }

  get name(): string {
    return this.#line.spec.name;
  }

  /** True while it prints, or cleans up, or has jobs waiting: what comes now waits its turn. */
  get isBusy(): boolean {
    return this.#running !== null;
  }

  /** Opens the printer and asks it. Only while it is not busy; it is for {@link print}, or the caller's to dispose of. */
  ask(): Promise<Readiness> {
    return this.#line.ask(this.#stopping.signal);
  }

  /** A transfer was given up long ago, and yet does not end: the device's driver holds it. */
  get isWedged(): boolean {
    const gaveUpAt = this.#current?.watch.gaveUpAt ?? null;
    return gaveUpAt !== null && this.#room.clock.monotonic() - gaveUpAt > WEDGED_MS;
  }

  /** True while this job waits for its OTP after a long stall. */
  needsOtp(ref: JobRef): boolean {
    return (
      this.#current !== null && jobKey(this.#current.ref) === jobKey(ref) && this.#current.watch.needsOtp
    );
  }

  /** The OTP of the paused job was typed again. */
  resume(): void {
    this.#current?.watch.allow();
  }

  /**
   * Takes released jobs, which are the worker's to close from now on. With `printer`, from {@link ask}, the first one's
   * `printing` is committed already; without, each becomes `printing` at its turn.
   */
  print(released: readonly OpenedJob[], printer: OpenPrinter | null): void {
    const [first, ...rest] = released;
    if (!first) return;
    if (printer) {
      this.#queue.push(...rest);
      this.#run(async () => await this.#printOne(first, printer));
    } else {
      this.#queue.push(...released);
      this.#run(async () => {});
    }
  }

  /**
   * Says what the disk did not take in when it happened: without that, a job whose transfer is over would be taken for
   * one that prints. To be called now and then. Storage errors pass through, and what is left is said the next time.
   */
  settle(): void {
    for (let [say] = this.#unsaid; say !== undefined; [say] = this.#unsaid) {
      say();
      this.#unsaid.shift();
    }
  }

  /** Lets the current job end within `finishMs`, else interrupts it; returns the waiting ones. */
  async stop(finishMs: number): Promise<void> {
    for (const waiting of this.#queue.splice(0)) this.#giveBack(waiting);
    const timer = setTimeout(() => {
      const error = new DeviceError("device-aborted", "power", "The agent was stopped while it printed.");
      this.#stopping.abort(error);
      this.#current?.watch.giveUp(error);
    }, finishMs);
    await this.#running;
    clearTimeout(timer);
  }

  #run(begin: () => Promise<void>): void {
    if (!this.#running) this.#running = this.#work(begin);
  }

  async #work(begin: () => Promise<void>): Promise<void> {
    try {
      await begin();
      for (let next = this.#queue.shift(); next; next = this.#queue.shift()) await this.#turn(next);
    } finally {
      // In the same step as the last look at the queue: a job put in later finds the worker idle.
      this.#running = null;
    }
  }

  /** A job's turn has come: the printer is asked again, since time went by. */
  async #turn(opened: OpenedJob): Promise<void> {
    let printer: OpenPrinter | null = null;
    try {
      const readiness = await this.#line.ask(this.#stopping.signal);
      if (readiness.kind === "care") {
        this.#giveBack(opened);
        this.#showCare(readiness.reason);
        return;
      }
      printer = readiness.printer;
      const job = this.#room.jobs.apply(opened.job, { kind: "started" });
      if (job) return await this.#printOne({ ...opened, job }, printer);
      // It was dropped while it waited.
      await printer.dispose();
      closeJob(opened);
    } catch (cause) {
      await printer?.dispose();
      this.#giveBack(opened);
      this.#showBroken(cause);
    }
  }

  async #printOne(opened: OpenedJob, printer: OpenPrinter): Promise<void> {
    const { job } = opened;
    const watch = this.#watch(job.again !== null);
    const current: Current = { ref: job, watch, printer, copiesOut: job.copiesDone };
    this.#current = current;
    try {
      const confirmed = await this.#printCopies(opened, current);
      await this.#finish(opened, confirmed);
    } catch (cause) {
      this.#interrupt(opened, cause, current.copiesOut);
    } finally {
      watch.close();
      this.#current = null;
      closeJob(opened);
    }
  }

  /** Shows that it prints, and every pause. */
  #watch(again: boolean): StallWatch {
    const { clock, policy, signals } = this.#room;
    const shown = { kind: "printing", printer: this.name, second: again } as const;
    signals.onPanel(shown);
    return new StallWatch(() => clock.monotonic(), policy, {
      obstacle: () => this.#current?.printer.obstacle ?? null,
      onPaused: (reason, otpNeeded) => {
        signals.onPanel({ kind: "paused", printer: this.name, reason, otpNeeded });
        // What the transport can say is looked at once nothing moves; the next check shows it.
        if (reason === "stalled") void this.#current?.printer.look();
      },
      onResumed: () => signals.onPanel(shown),
    });
  }

  /** Each copy has an opening of its own, so that what is counted was drained. True when every copy was confirmed. */
  async #printCopies(opened: OpenedJob, current: Current): Promise<boolean> {
    const { job, record } = opened;
    const copies = record.manifest.copies ?? 1;
    // Of copies printed before an interruption nobody remembers whether they were confirmed.
    let confirmed = job.copiesDone === 0;
    for (let done = job.copiesDone; done < copies; done++) {
      if (done > job.copiesDone) current.printer = await this.#openNext();
      confirmed = (await this.#printCopy(opened, current)) && confirmed;
      current.copiesOut = done + 1;
      if (done + 1 < copies) this.#room.jobs.note(job, { copiesDone: done + 1 });
    }
    return confirmed;
  }

  async #printCopy(opened: OpenedJob, { printer, watch }: Current): Promise<boolean> {
    const { profile } = this.#line.spec;
    const document = readDocument(this.#room.spool, opened);
    let offset = Number.POSITIVE_INFINITY;
    try {
      const copy = { profile, document, confirmMs: this.#room.policy.confirmMs };
      return await printCopy(printer, copy, watch, {
        onFirstByte: () => this.#time(opened.job, "first-byte"),
        onDocument: (at) => {
          offset = at;
        },
        onLastByte: () => this.#time(opened.job, "last-byte"),
      });
    } catch (cause) {
      const taken = (cause instanceof DeviceError ? cause.taken : null) ?? {
        atLeast: 0,
        atMost: printer.device.bytesWritten,
      };
      const within = (bytes: number): number => Math.min(opened.job.bytes, Math.max(0, bytes - offset));
      throw new CopyBroken(cause, { atLeast: within(taken.atLeast), atMost: within(taken.atMost) });
    } finally {
      await printer.dispose();
    }
  }

  async #openNext(): Promise<OpenPrinter> {
    const readiness = await this.#line.ask(this.#stopping.signal);
    if (readiness.kind === "ready") return readiness.printer;
    throw new DeviceError("device-unusable", readiness.reason, "The printer cannot print the next copy.");
  }

  async #finish({ job, record }: OpenedJob, confirmed: boolean): Promise<void> {
    const copies = record.manifest.copies ?? 1;
    const ended = this.#room.jobs.apply(
      job,
      { kind: "finished", confirmed, keeps: this.#room.policy.deliveredGraceMs > 0 },
      { copiesDone: copies, handedOver: { atLeast: copies * job.bytes, atMost: copies * job.bytes } },
    );
    if (ended?.final) {
      await this.#room.traces.destroy(ended);
      this.#time(job, "destroyed");
    }
    this.#room.signals.onPanel({ kind: "take-pages", printer: this.name, confirmed });
  }

  #interrupt({ job }: OpenedJob, cause: unknown, copiesOut: number): void {
    const { jobs } = this.#room;
    const reason = reasonOf(cause);
    const before = copiesOut * job.bytes;
    const { atLeast, atMost } = cause instanceof CopyBroken ? cause.taken : NOTHING_TAKEN;
    const handedOver = { atLeast: before + atLeast, atMost: before + atMost };
    // At once, whatever the disk says: nothing may follow half a document.
    this.#line.soil();
    const isSaid = this.#say(() =>
      jobs.commit(() => {
        jobs.apply(job, { kind: "broke", reason }, { handedOver });
        this.#line.keep();
      }),
    );
    if (isSaid) this.#showCare(reason);
  }

  /** Nothing was sent: the OTP stays good. */
  #giveBack(opened: OpenedJob): void {
    closeJob(opened);
    this.#say(() => this.#room.jobs.apply(opened.job, { kind: "returned" }));
  }

  /** False where the disk does not take it in; it is said later then. */
  #say(say: () => void): boolean {
    this.#unsaid.push(say);
    try {
      this.settle();
      return true;
    } catch (storage) {
      this.#showBroken(storage);
      return false;
    }
  }

  #time({ user, job }: JobRef, step: Timing["step"]): void {
    this.#room.signals.onTiming({ user, job, step, atMs: this.#room.clock.monotonic(), printer: this.name });
  }

  #showCare(reason: Reason): void {
    if (this.#stopping.signal.aborted) return;
    this.#room.signals.onPanel({ kind: "printer-care", printer: this.name, reason });
  }

  #showBroken(cause: unknown): void {
    const what = cause instanceof Error ? cause.name : "storage";
    this.#room.signals.onPanel({ kind: "broken", what });
  }
}

/** What a transfer may take to end once it was given up: aborting, closing, the rows. */
const WEDGED_MS = 60_000;
const NOTHING_TAKEN: BytesTaken = { atLeast: 0, atMost: 0 };

/** A copy ended in the middle. */
class CopyBroken extends Error {
  /** Of the document's own bytes. */
  readonly taken: BytesTaken;

  constructor(cause: unknown, taken: BytesTaken) {
    super("a copy was not handed over whole", { cause });
    this.name = "CopyBroken";
    this.taken = taken;
  }
}

function reasonOf(cause: unknown): Reason {
  const inner = cause instanceof CopyBroken ? cause.cause : cause;
  if (inner instanceof DeviceError) return inner.reason;
  return inner instanceof DocumentLost ? "lost" : "internal";
}
