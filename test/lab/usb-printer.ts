/** An emulated USB printer (class 7): takes bytes, runs out of paper, stalls, is unplugged, speaks. */
import { EventEmitter, once } from "node:events";
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

export interface UsbPrinterOptions {
  readonly vendorId?: number;
  readonly productId?: number;
  readonly serial?: string;
  readonly commands?: string;
}

type Mode = "take" | "nak";

/** Bits of GET_PORT_STATUS (USB Printing Class 1.1, 4.2.2). */
const SELECTED_NO_ERROR = 0x18;
const PAPER_EMPTY = 0x20 | 0x10;

/** Emits `data` (the bytes of a transfer), `taken` (total bytes), `waiting` (a transfer that is NAKed), `reset`. */
export class UsbPrinter extends EventEmitter implements UsbFunction {
  readonly device: Buffer;
  readonly configuration: Buffer;
  readonly strings: readonly string[];
  readonly speed = 2;
  readonly #id: string;
  #plugged: RedirectedDevice | null = null;
  #mode: Mode = "take";
  #portStatus = SELECTED_NO_ERROR;
  #stallsLeft = 0;
  #pullAt = Number.POSITIVE_INFINITY;
  #emptyAt = Number.POSITIVE_INFINITY;
  #chunks: Buffer[] = [];
  #total = 0;
  #waiting: { data: Buffer; reply: BulkReply }[] = [];
  #asking: BulkReply[] = [];
  #saying: Uint8Array[] = [];

  constructor(options: UsbPrinterOptions = {}) {
    super();
    const { vendorId = 0x04b8, productId = 0x0e15, serial = "LAB0001", commands = "ESC/POS" } = options;
    this.#id = `MFG:LAB;CMD:${commands};MDL:TM-LAB;CLS:PRINTER;SN:${serial};`;
    this.device = deviceDescriptor(vendorId, productId);
    this.strings = ["", "LAB", "TM-LAB", serial];
    this.configuration = configurationDescriptor(
      interfaceDescriptor({ number: 0, alternate: 0, endpoints: 2, code: [7, 1, 2] }),
      endpointDescriptor(0x01, "bulk", 512),
      endpointDescriptor(0x82, "bulk", 512),
    );
  }

  async plugInto(path: string): Promise<void> {
    this.#plugged = await plug(path, this);
  }

  async unplug(): Promise<void> {
    await this.#plugged?.unplug();
  }

  /** Everything taken since the last `clear`. */
  get received(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  clear(): void {
    this.#chunks = [];
    this.#total = 0;
  }

  paperOut(): void {
    this.#portStatus = PAPER_EMPTY;
    this.#mode = "nak";
  }

  /** Runs out of paper as soon as that many bytes were taken. */
  outOfPaperAfter(bytes: number): void {
    this.#emptyAt = bytes;
  }

  paperIn(): void {
    this.#portStatus = SELECTED_NO_ERROR;
    this.#mode = "take";
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { data, reply } of waiting) {
      if (reply.isOpen()) this.onBulkOut(1, data, reply);
    }
  }

  /** Resolves once a transfer is held by a NAK. */
  async holds(): Promise<void> {
    if (this.#waiting.length === 0) await once(this, "waiting");
  }

  stallNext(times: number): void {
    this.#stallsLeft = times;
  }

  /** Pulls the cable as soon as that many bytes were taken. */
  pullAfter(bytes: number): void {
    this.#pullAt = bytes;
  }

  say(bytes: Uint8Array): void {
    this.#saying.push(bytes);
    this.#speak();
  }

  onControl({ type, request }: Setup): Uint8Array | null {
    if (type === 0xa1 && request === 0) {
      const answer = Buffer.alloc(2 + this.#id.length);
      answer.writeUInt16BE(answer.length);
      answer.write(this.#id, 2);
      return answer;
    }
    if (type === 0xa1 && request === 1) return Uint8Array.of(this.#portStatus);
    if (type === 0x21 && request === 2) {
      this.emit("reset");
      return new Uint8Array(0);
    }
    return null;
  }

  onBulkOut(_endpoint: number, data: Buffer, reply: BulkReply): void {
    if (this.#stallsLeft > 0) {
      this.#stallsLeft -= 1;
      reply.end(STATUS.stall);
      return;
    }
    if (this.#mode === "nak") {
      this.#waiting.push({ data, reply });
      this.emit("waiting");
      return;
    }
    this.#chunks.push(data);
    this.#total += data.length;
    this.emit("data", data);
    if (this.#total >= this.#pullAt) {
      this.#pullAt = Number.POSITIVE_INFINITY;
      void this.unplug();
      return;
    }
    if (this.#total >= this.#emptyAt) {
      this.#emptyAt = Number.POSITIVE_INFINITY;
      this.paperOut();
    }
    reply.end(STATUS.ok);
    this.emit("taken", this.#total);
  }

  onBulkIn(_endpoint: number, _length: number, reply: BulkReply): void {
    this.#asking.push(reply);
    this.#speak();
  }

  onUnplugged(): void {
    this.#waiting = [];
    this.#asking = [];
  }

  #speak(): void {
    this.#asking = this.#asking.filter((reply) => reply.isOpen());
    while (this.#asking.length > 0 && this.#saying.length > 0) {
      this.#asking.shift()?.end(STATUS.ok, this.#saying.shift());
    }
  }
}
