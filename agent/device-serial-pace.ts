/**
 * DTR/DSR flow control, which Linux does not do: DSR is asked before every few bytes, and never more of them are under
 * way than a printer still takes after it said stop (receipt printers keep 128 bytes in reserve). Best effort: what
 * the kernel and an adapter hold cannot be asked, so a clock tells it, set a little slower than the line.
 */

/** Whether the printer takes bytes now: the modem line DSR. Rejects when the line is gone or has none. */
export type ReadDsr = () => Promise<boolean>;

/** Milliseconds that never jump, and waiting for some of them: rejects or resolves early when `signal` fires. */
export interface PaceTime {
  now(): number;
  pause(ms: number, signal: AbortSignal): Promise<void>;
}

/** What may still come after the printer said stop. */
export const AHEAD_BYTES = 96;
const POLL_MS = 5;
/** Clocks of both sides differ by less; what ran ahead of the line would add up. */
const SLOWER = 0.98;

export class Pace {
  readonly #bytesPerMs: number;
  readonly #readDsr: ReadDsr;
  readonly #time: PaceTime;
  /** When the last byte that was admitted will have left. */
  #emptyAtMs = 0;

  /** @param bytesPerSecond what the line carries */
  constructor(bytesPerSecond: number, readDsr: ReadDsr, time: PaceTime) {
    this.#bytesPerMs = (bytesPerSecond * SLOWER) / 1000;
    this.#readDsr = readDsr;
    this.#time = time;
  }

  /** Resolves to how many of the `wanted` bytes may be written now, at least one; they count as written. */
  async admit(wanted: number, signal: AbortSignal): Promise<number> {
    const least = Math.min(wanted, AHEAD_BYTES / 2);
    for (;;) {
      signal.throwIfAborted();
      const missing = least - this.#room();
      if (missing > 0) {
        await this.#time.pause(Math.max(1, missing / this.#bytesPerMs), signal);
      } else if (await this.#readDsr()) {
        return this.#count(Math.min(wanted, Math.floor(this.#room())));
      } else {
        await this.#time.pause(POLL_MS, signal);
      }
    }
  }

  /** Whether DSR is on, or comes on within `timeoutMs`: a buffer that is full for a moment says nothing. */
  async isReadyWithin(timeoutMs: number, signal: AbortSignal): Promise<boolean> {
    const endMs = this.#time.now() + timeoutMs;
    for (;;) {
      signal.throwIfAborted();
      if (await this.#readDsr()) return true;
      if (this.#time.now() >= endMs) return false;
      await this.#time.pause(POLL_MS, signal);
    }
  }

  #room(): number {
    return AHEAD_BYTES - Math.max(0, this.#emptyAtMs - this.#time.now()) * this.#bytesPerMs;
  }

  #count(bytes: number): number {
    this.#emptyAtMs = Math.max(this.#emptyAtMs, this.#time.now()) + bytes / this.#bytesPerMs;
    return bytes;
  }
}
