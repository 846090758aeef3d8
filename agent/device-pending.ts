import type { DeviceError } from "./device.ts";

/**
 * The one operation a transport waits for, and the fault that ends it. Sockets and ports tell of a failure by
 * an event that no single call owns; this gives it to the call in flight, and to every later one.
 */
export class Pending {
  #fault: DeviceError | null = null;
  #reject: ((fault: DeviceError) => void) | null = null;

  get fault(): DeviceError | null {
    return this.#fault;
  }

  /** The first fault counts: what follows it (EPIPE after ECONNRESET, closed after aborted) only echoes. */
  fail(fault: DeviceError): void {
    this.#fault ??= fault;
    this.#reject?.(this.#fault);
  }

  /** Runs `start` unless a fault is known. `done` without an error resolves; a fault rejects, whoever is first. */
  async run(start: (done: () => void) => void): Promise<void> {
    if (this.#fault !== null) throw this.#fault;
    try {
      await new Promise<void>((resolve, reject) => {
        this.#reject = reject;
        start(resolve);
      });
    } finally {
      this.#reject = null;
    }
  }
}
