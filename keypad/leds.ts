/**
 * The lights of a keyboard (HID 1.11, appendix B.1: one output byte; usage page 08h): NumLock, CapsLock, ScrollLock.
 * Numeric keypads often have the first alone. What they show is ours: no key's meaning here depends on it.
 */

export type Led = "num" | "caps" | "scroll";

/** What of an opened HID device is used. */
export interface LedHandle {
  /** The report's number first: keyboards without numbered reports take 0. */
  write(report: number[]): Promise<number>;
  close(): Promise<void>;
}

/** Null while there is no keyboard, or none that can be written to. */
export type OpenLedHandle = () => Promise<LedHandle | null>;

const BITS: Readonly<Record<Led, number>> = { num: 1, caps: 2, scroll: 4 };
/** How long a keyboard that is not there, or does not obey, is left alone. */
const REST_MS = 5000;

/** The output report: its number, then the LEDs. */
export function encodeLeds(lit: ReadonlySet<Led>): number[] {
  return [0, [...lit].reduce((bits, led) => bits | BITS[led], 0)];
}

/**
 * LEDs that are set at once and follow as fast as the keyboard does: one report at a time, the newest wins. A keyboard
 * that is unplugged is opened again later. Never throws.
 */
export class KeyboardLeds {
  readonly #open: OpenLedHandle;
  readonly #lit = new Set<Led>();
  #handle: LedHandle | null = null;
  #shown = "";
  #writing: Promise<void> | null = null;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(open: OpenLedHandle) {
    this.#open = open;
  }

  set(led: Led, isOn: boolean): void {
    if (isOn) this.#lit.add(led);
    else this.#lit.delete(led);
    this.#follow();
  }

  /** All off, and the device given back. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#writing;
    this.#lit.clear();
    await this.#show();
    await this.#handle?.close().catch(() => undefined);
    this.#handle = null;
  }

  #follow(): void {
    if (this.#isClosed || this.#timer !== undefined) return;
    this.#writing ??= this.#show().finally(() => {
      this.#writing = null;
    });
  }

  async #show(): Promise<void> {
    for (;;) {
      const report = encodeLeds(this.#lit);
      const text = report.join();
      if (text === this.#shown || !(await this.#write(report))) return;
      this.#shown = text;
    }
  }

  async #write(report: number[]): Promise<boolean> {
    try {
      this.#handle ??= await this.#open();
      if (this.#handle !== null) {
        await this.#handle.write(report);
        return true;
      }
    } catch {
      await this.#handle?.close().catch(() => undefined);
      this.#handle = null;
    }
    this.#shown = "";
    if (!this.#isClosed) {
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        this.#follow();
      }, REST_MS).unref();
    }
    return false;
  }
}
