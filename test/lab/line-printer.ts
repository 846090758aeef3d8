/**
 * A printer at the far end of a serial line, with a small buffer that it prints from at its own pace: XOFF when it is
 * nearly full, XON when there is room again. What comes into a full buffer is lost, as with the real ones.
 */
import { EventEmitter, once } from "node:events";
import { type Arrival, UsbSerialAdapter } from "./usb-serial-adapter.ts";

const XON = 0x11;
const XOFF = 0x13;
const TICK_MS = 20;

export interface LinePrinterOptions {
  readonly bufferBytes?: number;
  /** How many bytes it prints in one tick of 20 ms. */
  readonly tickBytes?: number;
}

/** Emits `began` and `idle`: its buffer has something, and nothing; `printed` each time some came out. */
export class LinePrinter extends EventEmitter {
  readonly adapter: UsbSerialAdapter;
  readonly #bufferBytes: number;
  readonly #tickBytes: number;
  #buffer: Buffer = Buffer.alloc(0);
  #printed: Buffer[] = [];
  #isStopped = false;
  #timer: NodeJS.Timeout | null = null;
  /** Bytes that came into a full buffer. */
  lostBytes = 0;
  /** How often it said XOFF. */
  stops = 0;

  constructor({ bufferBytes = 4096, tickBytes = 1000 }: LinePrinterOptions = {}, serial = "FT000001") {
    super();
    this.#bufferBytes = bufferBytes;
    this.#tickBytes = tickBytes;
    this.adapter = new UsbSerialAdapter(serial, (bytes) => this.#take(bytes));
  }

  get printed(): Buffer {
    return Buffer.concat(this.#printed);
  }

  /** Forgets what it printed, and its faults. */
  clear(): void {
    this.#printed = [];
    this.lostBytes = 0;
    this.stops = 0;
  }

  async begins(): Promise<void> {
    if (this.#timer === null) await once(this, "began");
  }

  /** Resolves when these bytes came out in one piece. */
  async prints(bytes: Buffer): Promise<void> {
    while (!this.printed.includes(bytes)) await once(this, "printed");
  }

  /** Resolves when everything that came is printed. */
  async idle(): Promise<void> {
    if (this.#timer !== null) await once(this, "idle");
  }

  say(bytes: Uint8Array, arrival?: Arrival): void {
    this.adapter.say(bytes, arrival);
  }

  #take(bytes: Buffer): void {
    const room = this.#bufferBytes - this.#buffer.length;
    this.lostBytes += Math.max(0, bytes.length - room);
    this.#buffer = Buffer.concat([this.#buffer, bytes.subarray(0, room)]);
    if (!this.#isStopped && this.#buffer.length > this.#bufferBytes / 2) {
      this.#isStopped = true;
      this.stops += 1;
      this.say(Uint8Array.of(XOFF));
    }
    if (this.#timer !== null) return;
    this.#timer = setInterval(() => this.#print(), TICK_MS);
    this.emit("began");
  }

  #print(): void {
    this.#printed.push(this.#buffer.subarray(0, this.#tickBytes));
    this.#buffer = this.#buffer.subarray(this.#tickBytes);
    this.emit("printed");
    if (this.#isStopped && this.#buffer.length < this.#bufferBytes / 4) {
      this.#isStopped = false;
      this.say(Uint8Array.of(XON));
    }
    if (this.#buffer.length > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
    this.emit("idle");
  }
}
