/**
 * Tells a slow printer from a stalled one. After a while without progress the panel says so; after longer, nothing
 * more is handed over until the OTP is typed again, since the owner may have left; in the end the job is given up.
 */
import { DeviceError } from "./device.ts";
import type { KeeperPolicy } from "./keeper-port.ts";

type Limits = Pick<KeeperPolicy, "stallMs" | "stallOtpMs" | "stallGiveUpMs">;
const CHECK_MS_MAX = 1000;

export interface StallSignals {
  onPaused(otpNeeded: boolean): void;
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
  #pause: "none" | "short" | "otp" = "none";
  #gate: PromiseWithResolvers<void> | null = null;

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
    this.#progress = progress;
    this.#seen = progress();
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

  giveUp(error: DeviceError): void {
    this.#controller.abort(error);
    this.#gate?.reject(error);
    this.#gate = null;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #check(): void {
    const progress = this.#progress();
    if (progress !== this.#seen) {
      this.#seen = progress;
      this.#movedAt = this.#monotonic();
      if (this.#pause === "short") this.#leavePause();
      return;
    }
    const idle = this.#monotonic() - this.#movedAt;
    if (idle >= this.#limits.stallGiveUpMs) {
      this.giveUp(
        new DeviceError(
          "device-aborted",
          "stalled",
          "The printer took nothing for too long; the job was given up.",
        ),
      );
    } else if (idle >= this.#limits.stallOtpMs) this.#enterPause("otp");
    else if (idle >= this.#limits.stallMs && this.#pause === "none") this.#enterPause("short");
  }

  #enterPause(pause: "short" | "otp"): void {
    if (this.#pause === pause) return;
    this.#pause = pause;
    this.#signals.onPaused(pause === "otp");
  }

  #leavePause(): void {
    if (this.#pause === "none") return;
    this.#pause = "none";
    this.#signals.onResumed();
  }
}
