/**
 * The way to one printer: asked before it is used, cleaned after an interruption before anything else goes through.
 * What is dirty is remembered on disk: a power cut must not make the rest of one document the head of another.
 */
import type { Reason } from "../wire/reason.ts";
import type { Clock } from "./clock.ts";
import type { Manners } from "./conversation.ts";
import type { Db } from "./database.ts";
import { setDeadline } from "./deadline.ts";
import { type Device, DeviceError } from "./device.ts";
import type { KeeperOptions, KeeperSignals, PrinterSpec } from "./keeper-port.ts";
import { OpenPrinter } from "./open-printer.ts";
import { obstacleOf } from "./printer-status.ts";

const OPEN_MS = 15_000;
const ABORT_MS = 15_000;

/** Ready: it is open and the caller's to dispose of. */
export type Readiness =
  | { readonly kind: "ready"; readonly printer: OpenPrinter }
  | { readonly kind: "care"; readonly reason: Reason };

/** What a line works with. */
export interface PrinterLineRoom {
  readonly db: Db;
  readonly openDevice: KeeperOptions["openDevice"];
  readonly clock: Clock;
  readonly signals: KeeperSignals;
}

export class PrinterLine {
  readonly spec: PrinterSpec;
  readonly #room: PrinterLineRoom;
  readonly #manners: Manners = { answers: true, confirms: null };
  readonly #read;
  readonly #write;
  #isDirty: boolean;
  /** The last word of the printer itself. */
  #obstacle: Reason | null = null;

  constructor(spec: PrinterSpec, room: PrinterLineRoom) {
    this.spec = spec;
    this.#room = room;
    const { db } = room;
    this.#read = db.prepare<[string], number>("SELECT dirty FROM printer WHERE name = ?").pluck();
    this.#write = db.prepare<[string, number]>("INSERT OR REPLACE INTO printer (name, dirty) VALUES (?, ?)");
    this.#isDirty = this.#read.get(spec.name) === 1;
  }

  /** Nothing prints from now on until it is clean again; on disk with {@link keep}. */
  soil(): void {
    this.#isDirty = true;
  }

  /** Inside the transaction that says `interrupted`. */
  keep(): void {
    this.#write.run(this.spec.name, this.#isDirty ? 1 : 0);
  }

  /** Its abort bytes went through, or a person switched it off and on. Never throws. */
  clean(): void {
    if (!this.#isDirty) return;
    this.#isDirty = false;
    try {
      this.keep();
    } catch {
      // It is clean all the same; after a restart it is cleaned once more.
    }
  }

  /** Opens the printer and asks whether it can print. Never rejects for the printer's sake. */
  async ask(signal?: AbortSignal): Promise<Readiness> {
    try {
      if (this.#isDirty) await this.#abort(signal);
      const printer = this.#converse(await this.#open(signal));
      try {
        await printer.ask(signal);
      } catch (cause) {
        await printer.dispose();
        throw cause;
      }
      const { obstacle } = printer;
      if (obstacle === null) return { kind: "ready", printer };
      await printer.dispose();
      return { kind: "care", reason: obstacle };
    } catch (cause) {
      if (!(cause instanceof DeviceError)) throw cause;
      // One that takes not even a question has still what it said last.
      const reason = cause.reason === "stalled" ? (this.#obstacle ?? cause.reason) : cause.reason;
      return { kind: "care", reason };
    }
  }

  #converse(device: Device): OpenPrinter {
    const { clock, signals } = this.#room;
    return new OpenPrinter(device, {
      status: this.spec.backChannel === true ? this.spec.profile.status : "none",
      manners: this.#manners,
      now: () => clock.stamp(),
      onStatus: (status) => {
        this.#obstacle = obstacleOf(status);
        signals.onStatus(this.spec.name, status);
      },
      onLineErrors: (errors) => signals.onLineErrors(this.spec.name, errors),
    });
  }

  /** Ends what an interrupted document left open. Rejects with DeviceError while it does not go through. */
  async #abort(signal?: AbortSignal): Promise<void> {
    const { abort } = this.spec.profile;
    if (abort.length > 0) {
      const printer = this.#converse(await this.#open(signal));
      const limit = setDeadline(ABORT_MS, signal, () => printer.device.bytesWritten);
      try {
        await printer.askAmid(limit.signal);
        if (printer.obstacle !== null) throw faultOfObstacle(printer.obstacle);
        await printer.abort(abort, limit.signal);
      } finally {
        limit.clear();
        await printer.dispose();
      }
    }
    this.clean();
  }

  async #open(signal?: AbortSignal): Promise<Device> {
    const limit = setDeadline(OPEN_MS, signal);
    try {
      return await this.#room.openDevice(this.spec.uri, { signal: limit.signal });
    } finally {
      limit.clear();
    }
  }
}

function faultOfObstacle(reason: Reason): DeviceError {
  const message = "The printer cannot print, so what an interrupted document left open waits for it.";
  return new DeviceError("device-failed", reason, message);
}
