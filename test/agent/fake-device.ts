/**
 * A printer that misbehaves on demand, under the production half of the device port. Other rooms' tests hand
 * `() => printer.open()` to what they test and look at `received`.
 */
import { setImmediate as turn } from "node:timers/promises";
import { type Device, DeviceError, type DeviceStatus } from "../../agent/device.ts";
import { BackChannel } from "../../agent/device-back-channel.ts";
import { faultOfVanishing } from "../../agent/device-fault.ts";
import { Pending } from "../../agent/device-pending.ts";
import { type Transport, TransportDevice } from "../../agent/device-transport.ts";
import type { Reason } from "../../wire/reason.ts";

/** What goes wrong, in which operation, after how many bytes of the job, and how often (default once). */
export interface Fault {
  /**
   * `short`: the piece is taken in two goes; `delay`: some turns of the event loop pass; `stall`: nothing moves
   * until `resume`; `vanish`: as if unplugged; `error`: refuses with `reason`.
   */
  readonly kind: "short" | "delay" | "stall" | "vanish" | "error";
  /** `close`: only `stall`, as a driver that never lets go. */
  readonly on?: "open" | "write" | "drain" | "close";
  readonly afterBytes?: number;
  readonly times?: number;
  readonly reason?: Reason;
}

/** A printer that understands what it takes and speaks; see escpos-printer.ts and pjl-printer.ts. */
export interface PrinterModel {
  /** Somebody opened it. `say` reaches whoever has it open now. */
  open(say: (bytes: Uint8Array) => void): void;
  /** Takes bytes, in order, each once. */
  take(bytes: Uint8Array): void;
  /** While true it takes nothing more; `FakePrinter.resume` ends it. */
  readonly isFull: boolean;
}

interface Paper {
  readonly pieces: Uint8Array[];
  size: number;
}

export class FakePrinter {
  readonly uri = "fake:";
  readonly #jobs: Paper[] = [];
  status: DeviceStatus = { ready: "yes", reason: null, source: "fake" };
  model: PrinterModel | null = null;
  #faults: { fault: Fault; left: number }[];
  #line: FakeTransport | null = null;

  constructor(faults: readonly Fault[] = []) {
    this.#faults = faults.map((fault) => ({ fault, left: fault.times ?? 1 }));
  }

  /** One entry per opening: what the printer took. */
  get jobs(): Buffer[] {
    return this.#jobs.map((paper) => Buffer.concat(paper.pieces));
  }

  /** What it took since the last opening. */
  get received(): Buffer {
    return Buffer.concat(this.#jobs.at(-1)?.pieces ?? []);
  }

  async open(): Promise<Device> {
    const fault = this.trip("open", 0);
    if (fault !== null) {
      throw new DeviceError("device-unusable", fault.reason ?? "offline", "fake: offline", {
        taken: { atLeast: 0, atMost: 0 },
      });
    }
    const paper = { pieces: [], size: 0 };
    this.#jobs.push(paper);
    const line = new FakeTransport(this, paper);
    this.#line = line;
    this.model?.open((bytes) => line.backChannel.push(bytes));
    return new TransportDevice(this.uri, this.#line);
  }

  inject(fault: Fault): void {
    this.#faults.push({ fault, left: fault.times ?? 1 });
  }

  /** Ends a stall. */
  resume(): void {
    this.#line?.resume();
  }

  /** Resolves once a `stall` holds the job. */
  async stalled(): Promise<void> {
    while (this.#line?.isStalled !== true) await turn();
  }

  unplug(): void {
    this.#line?.vanish();
  }

  say(bytes: Uint8Array): void {
    this.#line?.backChannel.push(bytes);
  }

  /** The first fault that is due, counted down. */
  trip(on: NonNullable<Fault["on"]>, bytes: number): Fault | null {
    const due = this.#faults.find(
      ({ fault, left }) => left > 0 && (fault.on ?? "write") === on && bytes >= (fault.afterBytes ?? 0),
    );
    if (due === undefined) return null;
    due.left -= 1;
    return due.fault;
  }
}

class FakeTransport implements Transport {
  readonly pieceBytes = 4096;
  readonly keeps = true;
  readonly backChannel = new BackChannel();
  readonly #printer: FakePrinter;
  readonly #paper: Paper;
  readonly #pending = new Pending();
  #isBusy = false;
  #release: (() => void) | null = null;

  constructor(printer: FakePrinter, paper: Paper) {
    this.#printer = printer;
    this.#paper = paper;
  }

  get isStalled(): boolean {
    return this.#release !== null;
  }

  write(piece: Uint8Array): Promise<void> {
    return this.#alone(async () => {
      while (this.#printer.model?.isFull) await this.#suffer({ kind: "stall" });
      const fault = this.#printer.trip("write", this.#paper.size + piece.length);
      if (fault === null) return this.#take(piece);
      const cut = Math.min(piece.length, Math.max(0, (fault.afterBytes ?? 1) - this.#paper.size));
      this.#take(piece.subarray(0, cut));
      await this.#suffer(fault);
      this.#take(piece.subarray(cut));
    });
  }

  drain(): Promise<void> {
    return this.#alone(async () => {
      const fault = this.#printer.trip("drain", this.#paper.size);
      if (fault !== null) await this.#suffer(fault);
    });
  }

  read(): AsyncIterable<Uint8Array> {
    return this.backChannel;
  }

  async status(): Promise<DeviceStatus> {
    return this.#printer.status;
  }

  cancel(): void {
    this.backChannel.end();
    this.#release = null;
    this.#pending.fail(new DeviceError("device-aborted", "stalled", "fake: cancelled"));
  }

  async close(): Promise<void> {
    if (this.#printer.trip("close", this.#paper.size) === null) return;
    await new Promise<void>((resolve) => {
      this.#release = resolve;
    });
  }

  resume(): void {
    this.#release?.();
    this.#release = null;
  }

  vanish(): void {
    this.backChannel.end();
    this.#pending.fail(faultOfVanishing("fake:"));
  }

  #take(bytes: Uint8Array): void {
    // A copy: the bytes are their owner's again once the write settled, and a Buffer's `slice` is none.
    this.#paper.pieces.push(Buffer.from(bytes));
    this.#paper.size += bytes.length;
    this.#printer.model?.take(Buffer.from(bytes));
  }

  async #suffer(fault: Fault): Promise<void> {
    switch (fault.kind) {
      case "short":
        return await turn();
      case "delay":
        for (let turns = 0; turns < 10; turns += 1) await turn();
        return;
      case "stall":
        return await this.#pending.run((done) => {
          this.#release = done;
        });
      case "vanish":
        return this.#pending.run(() => this.vanish());
      case "error":
        throw new DeviceError("device-failed", fault.reason ?? "device", "fake: refused");
    }
  }

  /** The production half promises one call at a time; a printer would mix two up. */
  async #alone(work: () => Promise<void>): Promise<void> {
    if (this.#isBusy) throw new TypeError("overlapping calls reached the transport");
    if (this.#pending.fault !== null) throw this.#pending.fault;
    this.#isBusy = true;
    try {
      await work();
    } finally {
      this.#isBusy = false;
    }
  }
}
