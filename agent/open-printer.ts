/** A printer opened for one copy: its device, what is known of it, and the conversation around the document. */
import { randomBytes } from "node:crypto";
import type { Reason } from "../wire/reason.ts";
import { Conversation, type Manners } from "./conversation.ts";
import { type Device, DeviceError, type LineErrors } from "./device.ts";
import type { PrinterProfile } from "./keeper-port.ts";
import { learn, learnFromDevice, NOTHING_KNOWN, obstacleOf, type PrinterStatus } from "./printer-status.ts";
import type { Tongue } from "./printer-tongue.ts";
import { speakEscpos } from "./printer-tongue-escpos.ts";
import { speakPjl } from "./printer-tongue-pjl.ts";
import type { StallWatch } from "./stall-watch.ts";

const FAREWELL_MS = 5000;
const ABORTS_MAX = 3;

export interface OpenPrinterOptions {
  /** `none` where there is no back-channel: nothing is asked, nothing is confirmed. */
  readonly status: PrinterProfile["status"];
  readonly manners: Manners;
  /** Unix seconds. */
  readonly now: () => number;
  /** Whenever more is known. */
  readonly onStatus: (status: PrinterStatus) => void;
  /** Once, at the end, where something came damaged from it. */
  readonly onLineErrors?: (errors: LineErrors) => void;
}

export class OpenPrinter {
  readonly device: Device;
  readonly #talk: Conversation | null;
  readonly #options: OpenPrinterOptions;
  #status = NOTHING_KNOWN;

  /** The device is this one's to close. */
  constructor(device: Device, options: OpenPrinterOptions) {
    this.device = device;
    this.#options = options;
    const tongue = chooseTongue(options.status);
    this.#talk =
      tongue &&
      new Conversation(device, tongue, options.manners, (said, source) => {
        this.#setStatus(learn(this.#status, said, source, options.now()));
      });
  }

  get status(): PrinterStatus {
    return this.#status;
  }

  /** Why it cannot print, as far as it says; null where nothing is known against it. */
  get obstacle(): Reason | null {
    return obstacleOf(this.#status);
  }

  /** Before anything is sent. Rejects with DeviceError when not even a question goes through. */
  async ask(signal?: AbortSignal): Promise<void> {
    await this.look();
    if (this.obstacle === null) await this.#talk?.ask(false, signal);
  }

  /** The same where a document broke off. */
  async askAmid(signal?: AbortSignal): Promise<void> {
    await this.look();
    if (this.obstacle === null) await this.#talk?.ask(true, signal);
  }

  /** Asks the transport, which can say something even while a transfer is stuck. */
  async look(): Promise<void> {
    const said = await this.device.status().catch(() => null);
    if (said && said.ready !== "unknown") {
      this.#setStatus(learnFromDevice(this.#status, said, this.#options.now()));
    }
  }

  /**
   * Ends what a document left open. One command may have been longer than `abort` fills: where the printer can tell, it
   * is sent until the printer is through with it. Rejects with DeviceError.
   */
  async abort(abort: Uint8Array, signal: AbortSignal): Promise<void> {
    for (let times = 0; times < ABORTS_MAX; times += 1) {
      await this.device.write(abort, signal);
      if ((await this.#talk?.isThrough(signal)) ?? true) {
        await this.device.drain(signal);
        return;
      }
    }
    if (this.#options.manners.confirms === true) throw faultOfAbort();
    // It answers questions and has no fence: no more can be known.
    this.#options.manners.confirms = false;
    await this.device.drain(signal);
  }

  /** What goes between the profile's `before` and the document. */
  get opening(): Uint8Array {
    return this.#talk?.opening ?? new Uint8Array(0);
  }

  /** What goes after the profile's `after`. Call right before it is sent. */
  close(): Uint8Array {
    return this.#talk?.close() ?? new Uint8Array(0);
  }

  /**
   * After the last byte: true once the printer confirmed the job, false when every byte was drained and no more is
   * known. Rejects with DeviceError.
   */
  async conclude(watch: StallWatch, confirmMs: number): Promise<boolean> {
    if (this.#talk) {
      watch.rest();
      const isBlocked = (): boolean => this.obstacle !== null;
      const outcome = await this.#talk.confirm({ confirmMs, isBlocked }, watch.signal);
      if (outcome === "printed") {
        await this.#takeLeave(this.#talk.farewell);
        return true;
      }
      if (outcome === "refused") throw refusal();
    }
    watch.watch(() => this.device.bytesWritten);
    await this.device.drain(watch.signal);
    return this.#talk?.isPrinted ?? false;
  }

  async dispose(): Promise<void> {
    const errors = this.device.lineErrors;
    await this.device.close();
    if (errors && errors.damagedBytes + errors.breaks > 0) this.#options.onLineErrors?.(errors);
  }

  /** The job is on paper: whatever goes wrong now takes nothing back. */
  async #takeLeave(farewell: Uint8Array): Promise<void> {
    const limit = AbortSignal.timeout(FAREWELL_MS);
    try {
      await this.device.write(farewell, limit);
      await this.device.drain(limit);
    } catch {
      // It stays talkative.
    }
  }

  #setStatus(status: PrinterStatus): void {
    this.#status = status;
    this.#options.onStatus(status);
  }
}

/** Fresh names for each copy. */
function chooseTongue(status: PrinterProfile["status"]): Tongue | null {
  switch (status) {
    case "escpos":
      return speakEscpos(randomBytes(3).toString("base64url"));
    case "pjl":
      return speakPjl(`platen-${randomBytes(8).toString("hex")}`);
    case "none":
      return null;
  }
}

function refusal(): DeviceError {
  const message =
    "The printer ended the job itself: it was cancelled at its panel, or something was missing. Look at its display, then enter the OTP again.";
  return new DeviceError("device-failed", "device", message);
}

function faultOfAbort(): DeviceError {
  const message =
    "The printer does not come to an end with a document that broke off. Switch it off and on, then confirm that at the keypad.";
  return new DeviceError("device-failed", "device", message);
}
