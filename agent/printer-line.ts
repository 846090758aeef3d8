/**
 * The way to one printer: asked before it is used, cleaned after an interruption before anything else goes through.
 * What is dirty is remembered on disk: a power cut must not make the rest of one document the head of another.
 */
import type { Reason } from "../wire/reason.ts";
import type { Db } from "./database.ts";
import { type Device, DeviceError } from "./device.ts";
import type { KeeperOptions, PrinterSpec } from "./keeper-port.ts";

const OPEN_MS = 15_000;
const ABORT_MS = 15_000;

/** Ready: the device is open and the caller's to close. */
export type Readiness =
  | { readonly kind: "ready"; readonly device: Device }
  | { readonly kind: "care"; readonly reason: Reason };

export class PrinterLine {
  readonly spec: PrinterSpec;
  readonly #openDevice: KeeperOptions["openDevice"];
  readonly #read;
  readonly #write;
  #isDirty: boolean;

  constructor(spec: PrinterSpec, openDevice: KeeperOptions["openDevice"], db: Db) {
    this.spec = spec;
    this.#openDevice = openDevice;
    this.#read = db.prepare<[string], number>("SELECT dirty FROM printer WHERE name = ?").pluck();
    this.#write = db.prepare<[string, number]>("INSERT OR REPLACE INTO printer (name, dirty) VALUES (?, ?)");
    this.#isDirty = this.#read.get(spec.name) === 1;
  }

  /** Inside the transaction that says `interrupted`. */
  soil(): void {
    this.#write.run(this.spec.name, 1);
    this.#isDirty = true;
  }

  /** Its abort bytes went through, or a person switched it off and on. */
  clean(): void {
    if (!this.#isDirty) return;
    this.#write.run(this.spec.name, 0);
    this.#isDirty = false;
  }

  /** Opens the printer and asks whether it can print. Never rejects for the printer's sake. */
  async ask(signal?: AbortSignal): Promise<Readiness> {
    try {
      if (this.#isDirty) await this.#abort(signal);
      const device = await this.#open(signal);
      const status = await device.status().catch(() => null);
      if (status?.ready !== "no") return { kind: "ready", device };
      await device.close();
      return { kind: "care", reason: status.reason ?? "device" };
    } catch (cause) {
      if (cause instanceof DeviceError) return { kind: "care", reason: cause.reason };
      throw cause;
    }
  }

  /** Ends what an interrupted document left open. Rejects with DeviceError while it does not go through. */
  async #abort(signal?: AbortSignal): Promise<void> {
    const { abort } = this.spec.profile;
    if (abort.length > 0) {
      const device = await this.#open(signal);
      const limit = deadline(ABORT_MS, signal);
      try {
        await device.write(abort, limit.signal);
        await device.drain(limit.signal);
      } finally {
        limit.clear();
        await device.close();
      }
    }
    this.clean();
  }

  async #open(signal?: AbortSignal): Promise<Device> {
    const limit = deadline(OPEN_MS, signal);
    try {
      return await this.#openDevice(this.spec.uri, { signal: limit.signal });
    } finally {
      limit.clear();
    }
  }
}

/** Fires with a DeviceError after `ms`, or with `outer`. */
function deadline(ms: number, outer?: AbortSignal): { signal: AbortSignal; clear: () => void } {
  const controller = new AbortController();
  const error = new DeviceError(
    "device-aborted",
    "stalled",
    `The printer did not answer within ${ms / 1000} s.`,
  );
  const timer = setTimeout(() => controller.abort(error), ms);
  const signal = outer ? AbortSignal.any([controller.signal, outer]) : controller.signal;
  return { signal, clear: () => clearTimeout(timer) };
}
