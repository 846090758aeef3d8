/**
 * The device port: what every way of reaching a printer looks like to the worker.
 *
 * A device is opened for one job and used once. All `Uint8Array`s are raw printer bytes.
 */
import type { Reason } from "../wire/reason.ts";

/** What a printer says of itself. `unknown` where the transport or the printer cannot say. */
export interface DeviceStatus {
  readonly ready: "yes" | "no" | "unknown";
  /** Why it is not ready; null when it is, or when nothing is known. */
  readonly reason: Reason | null;
  /** Where the knowledge comes from, e.g. `dle-eot`, `usb-port-status`, `none`. */
  readonly source: string;
}

/** What came damaged from a printer on a serial line; what went to it, only the printer knows. */
export interface LineErrors {
  /** Bytes with wrong parity or a missing stop bit: the line's settings are wrong, or its cable is. */
  readonly damagedBytes: number;
  /** Breaks: the line was held low, most often by a cable pulled or a printer switched on or off. */
  readonly breaks: number;
}

/** One open connection to one printer. */
export interface Device {
  readonly uri: string;
  /**
   * Bytes that left this program so far, also amid a `write` that has not resolved: watch it to tell a slow
   * printer from a stalled one. Moves in steps of at most 64 KiB, on a serial line of 1 KiB.
   */
  readonly bytesWritten: number;
  /**
   * Hands bytes over in order and resolves when the operating system (or the line) took all of them:
   * the wire is the brake. One write at a time; an overlapping write is a `TypeError`, as is any use after
   * `close`. Rejects with {@link DeviceError}; after a rejection only `close` may be called.
   * An abort through `signal` rejects with code `device-aborted` and stops the transfer. The bytes belong
   * to the device until the promise settles.
   */
  write(bytes: Uint8Array, signal?: AbortSignal): Promise<void>;
  /**
   * The back-channel: bytes from the printer as they come; ends when the printer or `close` ends it.
   * One reader; what nobody reads may be dropped.
   */
  read(): AsyncIterable<Uint8Array>;
  /** Counted while somebody reads; what is damaged is not handed on. Null where nobody can tell. */
  readonly lineErrors: LineErrors | null;
  /** Asks, or tells the last known; never blocks longer than `timeoutMs` (default 1000). */
  status(timeoutMs?: number): Promise<DeviceStatus>;
  /** Resolves once every byte has left this machine (or the file is synced). Same errors as `write`. */
  drain(signal?: AbortSignal): Promise<void>;
  /**
   * Lets go of the device; what was not drained may be dropped. A pending `write` or `drain` rejects with
   * `device-aborted`. Idempotent, never throws, never waits for the printer.
   */
  close(): Promise<void>;
}

/** How many of the bytes given to `write` the printer may have taken. `null`: nothing is known. */
export interface BytesTaken {
  readonly atLeast: number;
  readonly atMost: number;
}

/**
 * A device failed. `reason` goes to the job's state; `taken` counts from the opening of the device.
 *
 * - `device-unusable`: it could not be opened, or its URI is wrong; nothing was sent.
 * - `device-gone`: it was there and vanished (`cable`).
 * - `device-failed`: it is there and refuses (`device`), or did not answer in time (`stalled`).
 * - `device-aborted`: we gave up, by `signal` or `close`.
 */
export class DeviceError extends Error {
  readonly code: "device-aborted" | "device-gone" | "device-failed" | "device-unusable";
  readonly reason: Reason;
  readonly taken: BytesTaken | null;

  constructor(
    code: DeviceError["code"],
    reason: Reason,
    message: string,
    details: { taken?: BytesTaken | null; cause?: unknown } = {},
  ) {
    super(message, { cause: details.cause });
    this.name = "DeviceError";
    this.code = code;
    this.reason = reason;
    this.taken = details.taken ?? null;
  }
}
