/**
 * Tells a slow printer from a stalled one. At once where the printer says what it needs, else after a while without progress the panel says so; after longer, nothing
 * more is handed over until the OTP is typed again, since the owner may have left; in the end the job is given up.
 */

import type { Reason } from "../wire/reason.ts";
import { DeviceError } from "./device.ts";
import type { KeeperPolicy } from "./keeper-port.ts";

type Limits = Pick<KeeperPolicy, "stallMs" | "stallOtpMs" | "stallGiveUpMs">;
const CHECK_MS_MAX = 1000;

export interface StallSignals {
  /** What the printer itself says is in its way. */
  obstacle(): Reason | null;
  onPaused(reason: Reason, otpNeeded: boolean): void;
  onResumed(): void;
}

export class StallWatch {
  readonly #monotonic: () => number;
  readonly #limits: Limits;
  readonly #signals: StallSignals;
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #progress: () => number = () => 0;
  #seen = 0;
  #movedAt: number;
  #isResting = false;
  #pause: "none" | "short" | "otp" = "none";
  #shown: Reason | null = null;
  #gate: PromiseWithResolvers<void> | null = null;
  #gaveUpAt: number | null = null;

  /** Runs until `close`. */
  constructor(monotonic: () => number, limits: Limits, signals: StallSignals) {
    this.#monotonic = monotonic;
    this.#limits = limits;
    this.#signals = signals;
    this.#movedAt = monotonic();
    this.#timer = setInterval(() => this.#check(), Math.min(CHECK_MS_MAX, Math.ceil(limits.stallMs / 4)));
  }

  /** Fires when the transfer is to be given up, with the DeviceError that says why. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get needsOtp(): boolean {
    return this.#pause === "otp";
  }

  /** What to look at: the device's `bytesWritten`. */
  watch(progress: () => number): void {
    this.#isResting = false;
    this.#progress = progress;
    this.#seen = progress();
    this.#movedAt = this.#monotonic();
  }

  /** Everything was handed over: the printer may take its time, and only what it says it needs is a pause. */
  rest(): void {
    this.#isResting = true;
    this.#movedAt = this.#monotonic();
  }

  /** Resolves when more may be handed over; rejects when the transfer was given up. */
  async pass(): Promise<void> {
    if (this.#controller.signal.aborted) throw this.#controller.signal.reason;
    if (this.#pause !== "otp") return;
    this.#gate ??= Promise.withResolvers<void>();
    await this.#gate.promise;
  }

  /** The OTP was typed again. */
  allow(): void {
    this.#movedAt = this.#monotonic();
    this.#leavePause();
    this.#gate?.resolve();
    this.#gate = null;
  }

  /** On the clock's monotonic scale; null while the transfer goes on. */
  get gaveUpAt(): number | null {
    return this.#gaveUpAt;
  }

  giveUp(error: DeviceError): void {
    this.#gaveUpAt ??= this.#monotonic();
    this.#controller.abort(error);
    this.#gate?.reject(error);
    this.#gate = null;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #check(): void {
    const obstacle = this.#signals.obstacle();
    const progress = this.#progress();
    if (progress !== this.#seen || (this.#isResting && obstacle === null)) {
      this.#seen = progress;
      this.#movedAt = this.#monotonic();
      if (this.#pause === "short") this.#leavePause();
      return;
    }
    const idle = this.#monotonic() - this.#movedAt;
    const reason = obstacle ?? "stalled";
    if (idle >= this.#limits.stallGiveUpMs) this.giveUp(faultOfStall(reason));
    // What the printer has already, no OTP can hold back.
    else if (idle >= this.#limits.stallOtpMs && !this.#isResting) this.#enterPause("otp", reason);
    else if (this.#pause !== "otp" && (obstacle !== null || idle >= this.#limits.stallMs)) {
      this.#enterPause("short", reason);
    }
  }

  #enterPause(pause: "short" | "otp", reason: Reason): void {
    if (this.#pause === pause && this.#shown === reason) return;
    this.#pause = pause;
    this.#shown = reason;
    this.#signals.onPaused(reason, pause === "otp");
  }

  #leavePause(): void {
    if (this.#pause === "none") return;
    this.#pause = "none";
    this.#shown = null;
    this.#signals.onResumed();
  }
}

function faultOfStall(reason: Reason): DeviceError {
  const message = "The printer took nothing for too long; the job was given up.";
  return new DeviceError("device-aborted", reason, message);
}
