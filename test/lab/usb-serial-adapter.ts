/**
 * An emulated FTDI adapter (FT232B) with a serial line behind it. Like the chip, it obeys XOFF itself once its driver
 * told it to, and says how a byte came: whole, with a wrong parity, as a break.
 */
import {
  configurationDescriptor,
  deviceDescriptor,
  endpointDescriptor,
  interfaceDescriptor,
} from "./usb-descriptors.ts";
import {
  type BulkReply,
  plug,
  type RedirectedDevice,
  type Setup,
  STATUS,
  type UsbFunction,
} from "./usbredir.ts";

/** The second status byte in front of what came (drivers/usb/serial/ftdi_sio.h, FTDI_RS_*). */
const LINE = { whole: 0x60, parity: 0x64, break: 0x70 } as const;
export type Arrival = keyof typeof LINE;

/** CTS and DSR: the line's other end is there. */
const MODEM_READY = 0x31;
const FT232B = 0x0400;
const IN_ENDPOINT = 0x81;
const OUT_ENDPOINT = 0x02;
const PACKET = 64;
const STATUS_BYTES = 2;
/** SIO_SET_FLOW_CTRL: the mode stands above the port's number in the index, the bytes in the value. */
const REQUEST = { setFlow: 2, modemStatus: 5, latency: 10 };
const XON_XOFF_MODE = 0x0400;

export class UsbSerialAdapter implements UsbFunction {
  readonly device: Buffer;
  readonly configuration: Buffer;
  readonly strings: readonly string[];
  readonly speed = 1;
  readonly #onData: (bytes: Buffer) => void;
  #plugged: RedirectedDevice | null = null;
  #flow: { readonly xon: number; readonly xoff: number } | null = null;
  #isHeld = false;
  #sending: { readonly data: Buffer; readonly reply: BulkReply }[] = [];
  #arrived: Buffer[] = [];
  #asking: BulkReply[] = [];

  /** `onData` is the line's far end: what the guest sends. */
  constructor(serial: string, onData: (bytes: Buffer) => void) {
    this.#onData = onData;
    this.device = deviceDescriptor(0x0403, 0x6001, FT232B);
    this.strings = ["", "FTDI", "USB <-> Serial", serial];
    this.configuration = configurationDescriptor(
      interfaceDescriptor({ number: 0, alternate: 0, endpoints: 2, code: [0xff, 0xff, 0xff] }),
      endpointDescriptor(IN_ENDPOINT, "bulk", PACKET),
      endpointDescriptor(OUT_ENDPOINT, "bulk", PACKET),
    );
  }

  /** Whether the driver told the chip to obey XON and XOFF. */
  get obeysXoff(): boolean {
    return this.#flow !== null;
  }

  async plugInto(path: string): Promise<void> {
    this.#plugged = await plug(path, this);
  }

  async unplug(): Promise<void> {
    await this.#plugged?.unplug();
  }

  /** Bytes from the far end. XOFF and XON that the chip obeys go no further. */
  say(bytes: Uint8Array, arrival: Arrival = "whole"): void {
    const passed: number[] = [];
    for (const byte of bytes) {
      if (byte === this.#flow?.xoff) this.#isHeld = true;
      else if (byte === this.#flow?.xon) this.#isHeld = false;
      else passed.push(byte);
    }
    for (let at = 0; at < passed.length; at += PACKET - STATUS_BYTES) {
      const piece = passed.slice(at, at + PACKET - STATUS_BYTES);
      this.#arrived.push(Buffer.from([MODEM_READY, LINE[arrival], ...piece]));
    }
    this.#speak();
    this.#send();
  }

  onControl({ type, request, value, index }: Setup): Uint8Array | null {
    if (type === 0x40 && request === REQUEST.setFlow) {
      const isOn = (index & XON_XOFF_MODE) !== 0;
      this.#flow = isOn ? { xon: value & 0xff, xoff: value >> 8 } : null;
      if (!isOn) this.#isHeld = false;
      this.#send();
    }
    if (type === 0x40) return new Uint8Array(0);
    if (type !== 0xc0) return null;
    if (request === REQUEST.modemStatus) return Uint8Array.of(MODEM_READY, LINE.whole);
    return request === REQUEST.latency ? Uint8Array.of(16) : Uint8Array.of(0, 0);
  }

  onBulkOut(_endpoint: number, data: Buffer, reply: BulkReply): void {
    this.#sending.push({ data, reply });
    this.#send();
  }

  onBulkIn(_endpoint: number, _length: number, reply: BulkReply): void {
    this.#asking.push(reply);
    this.#speak();
  }

  onUnplugged(): void {
    this.#sending = [];
    this.#asking = [];
    this.#flow = null;
    this.#isHeld = false;
  }

  /** What is held stays with the host: its transfer waits. */
  #send(): void {
    while (!this.#isHeld) {
      const next = this.#sending.shift();
      if (next === undefined) return;
      if (!next.reply.isOpen()) continue;
      next.reply.end(STATUS.ok);
      this.#onData(next.data);
    }
  }

  #speak(): void {
    this.#asking = this.#asking.filter((reply) => reply.isOpen());
    while (this.#asking.length > 0 && this.#arrived.length > 0) {
      this.#asking.shift()?.end(STATUS.ok, this.#arrived.shift());
    }
  }
}
