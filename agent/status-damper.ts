/** A printer whose sensor flaps says thousands of things a second: what is told of it is told a few times a second. */
import type { PrinterStatus } from "./printer-status.ts";

const EVERY_MS = 200;

type Tell = (printer: string, status: PrinterStatus) => void;

export class StatusDamper {
  readonly #tell: Tell;
  readonly #toldMs = new Map<string, number>();
  /** The newest of what waits to be told. */
  readonly #waiting = new Map<string, PrinterStatus>();

  constructor(tell: Tell) {
    this.#tell = tell;
  }

  /** Told at once where nothing was lately; else the newest in a moment, so that the last word is always told. */
  take(printer: string, status: PrinterStatus): void {
    const leftMs = (this.#toldMs.get(printer) ?? Number.NEGATIVE_INFINITY) + EVERY_MS - performance.now();
    if (leftMs <= 0 && !this.#waiting.has(printer)) {
      this.#say(printer, status);
      return;
    }
    const isAwaited = this.#waiting.has(printer);
    this.#waiting.set(printer, status);
    if (!isAwaited) setTimeout(() => this.#sayLatest(printer), Math.max(0, leftMs)).unref();
  }

  #sayLatest(printer: string): void {
    const status = this.#waiting.get(printer);
    this.#waiting.delete(printer);
    if (status) this.#say(printer, status);
  }

  #say(printer: string, status: PrinterStatus): void {
    this.#toldMs.set(printer, performance.now());
    this.#tell(printer, status);
  }
}
