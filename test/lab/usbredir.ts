/**
 * The device side of the usbredir protocol (0.7, as QEMU's `usb-redir` speaks it): a USB device that is a program.
 * One connection is one plugging-in; closing it pulls the cable.
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { listInterfaces } from "./usb-descriptors.ts";

const TYPE = {
  hello: 0,
  deviceConnect: 1,
  reset: 3,
  interfaceInfo: 4,
  endpointInfo: 5,
  setConfiguration: 6,
  getConfiguration: 7,
  configurationStatus: 8,
  setAlternate: 9,
  getAlternate: 10,
  alternateStatus: 11,
  startInterrupt: 15,
  stopInterrupt: 16,
  interruptStatus: 17,
  cancel: 21,
  control: 100,
  bulk: 101,
  interrupt: 103,
} as const;

export const STATUS = { ok: 0, cancelled: 1, stall: 4 } as const;
export type UsbStatus = (typeof STATUS)[keyof typeof STATUS];

/** Capabilities: device version, disconnect acknowledged, packet sizes, 64-bit ids, 32-bit bulk lengths. */
const CAPABILITIES = (1 << 1) | (1 << 3) | (1 << 4) | (1 << 5) | (1 << 6);
const MAX_PACKET = 64 * 1024 * 1024;

export interface Setup {
  readonly type: number;
  readonly request: number;
  readonly value: number;
  readonly index: number;
  readonly length: number;
  readonly data: Buffer;
}

/** A bulk transfer the guest waits for. */
export interface BulkReply {
  /** False once the guest cancelled it: a device takes nothing of it any more. */
  isOpen(): boolean;
  /** Ends it, once. For OUT `taken` is how many bytes went in; all of a good one where left out. */
  end(status: UsbStatus, data?: Uint8Array, taken?: number): void;
}

/** What a device is and does; it decides alone when a bulk transfer is answered: not yet is a NAK. */
export interface UsbFunction {
  readonly device: Buffer;
  readonly configuration: Buffer;
  readonly strings: readonly string[];
  /** 1 full, 2 high speed. */
  readonly speed: 1 | 2;
  /** Null stalls. An OUT request that is done answers with an empty buffer. */
  onControl(setup: Setup): Uint8Array | null;
  onBulkOut(endpoint: number, data: Buffer, reply: BulkReply): void;
  onBulkIn(endpoint: number, length: number, reply: BulkReply): void;
  onUnplugged(): void;
}

interface Bulk {
  readonly endpoint: number;
  readonly length: number;
  readonly stream: number;
}

export class RedirectedDevice {
  readonly #socket: Socket;
  readonly #function: UsbFunction;
  readonly #polled = new Set<number>();
  readonly #pending = new Map<bigint, Bulk>();
  readonly #configured = Promise.withResolvers<void>();
  #buffer: Buffer = Buffer.alloc(0);
  #wideIds = false;
  #wideBulk = false;
  #configuration = 0;
  #interrupts = 0n;

  constructor(socket: Socket, usbFunction: UsbFunction) {
    this.#socket = socket;
    this.#function = usbFunction;
    socket.on("error", () => undefined);
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
    socket.on("close", () => this.#function.onUnplugged());
    const hello = Buffer.alloc(68);
    hello.write("platen-lab");
    hello.writeUInt32LE(CAPABILITIES, 64);
    this.#send(TYPE.hello, 0n, hello);
  }

  /** Resolves when the guest's kernel chose a configuration: its drivers are about to bind. */
  get configured(): Promise<void> {
    return this.#configured.promise;
  }

  /** Whether the guest's driver polls this interrupt endpoint. */
  isPolled(endpoint: number): boolean {
    return this.#polled.has(endpoint);
  }

  interruptIn(endpoint: number, data: Uint8Array): void {
    const head = Buffer.alloc(4);
    head[0] = endpoint;
    head.writeUInt16LE(data.length, 2);
    this.#interrupts += 1n;
    this.#send(TYPE.interrupt, this.#interrupts, head, data);
  }

  async unplug(): Promise<void> {
    if (this.#socket.closed) return;
    this.#socket.destroy();
    await once(this.#socket, "close");
  }

  #send(type: number, id: bigint, ...body: Uint8Array[]): void {
    const head = Buffer.alloc(this.#wideIds ? 16 : 12);
    head.writeUInt32LE(type, 0);
    head.writeUInt32LE(
      body.reduce((sum, part) => sum + part.length, 0),
      4,
    );
    if (this.#wideIds) head.writeBigUInt64LE(id, 8);
    else head.writeUInt32LE(Number(id), 8);
    if (!this.#socket.destroyed) this.#socket.write(Buffer.concat([head, ...body]));
  }

  #take(chunk: Buffer): void {
    this.#buffer = Buffer.concat([this.#buffer, chunk]);
    for (;;) {
      const headBytes = this.#wideIds ? 16 : 12;
      if (this.#buffer.length < headBytes) return;
      const length = this.#buffer.readUInt32LE(4);
      if (length > MAX_PACKET) throw new Error(`usbredir: a packet of ${length} bytes`);
      if (this.#buffer.length < headBytes + length) return;
      const type = this.#buffer.readUInt32LE(0);
      const id = this.#wideIds ? this.#buffer.readBigUInt64LE(8) : BigInt(this.#buffer.readUInt32LE(8));
      const body = Buffer.from(this.#buffer.subarray(headBytes, headBytes + length));
      this.#buffer = this.#buffer.subarray(headBytes + length);
      this.#handle(type, id, body);
    }
  }

  #handle(type: number, id: bigint, body: Buffer): void {
    const first = body[0] ?? 0;
    switch (type) {
      case TYPE.hello:
        this.#greet(body);
        return;
      case TYPE.reset:
        this.#configuration = 0;
        return;
      case TYPE.setConfiguration:
        this.#configuration = first;
        this.#send(TYPE.configurationStatus, id, Uint8Array.of(0, first));
        this.#configured.resolve();
        return;
      case TYPE.getConfiguration:
        this.#send(TYPE.configurationStatus, id, Uint8Array.of(0, this.#configuration));
        return;
      case TYPE.setAlternate:
        this.#send(TYPE.alternateStatus, id, Uint8Array.of(0, first, body[1] ?? 0));
        return;
      case TYPE.getAlternate:
        this.#send(TYPE.alternateStatus, id, Uint8Array.of(0, first, 0));
        return;
      case TYPE.startInterrupt:
        this.#polled.add(first);
        this.#send(TYPE.interruptStatus, id, Uint8Array.of(0, first));
        return;
      case TYPE.stopInterrupt:
        this.#polled.delete(first);
        this.#send(TYPE.interruptStatus, id, Uint8Array.of(0, first));
        return;
      case TYPE.control:
        this.#control(id, body);
        return;
      case TYPE.bulk:
        this.#bulk(id, body);
        return;
      case TYPE.cancel:
        this.#answerBulk(id, STATUS.cancelled);
        return;
    }
  }

  #greet(body: Buffer): void {
    const theirs = body.length >= 68 ? body.readUInt32LE(64) : 0;
    this.#wideIds = (theirs & (1 << 5)) !== 0;
    this.#wideBulk = (theirs & (1 << 6)) !== 0;
    const { device, configuration, speed } = this.#function;
    const { interfaces, endpoints } = listInterfaces(configuration);
    this.#send(TYPE.interfaceInfo, 0n, interfaces);
    this.#send(TYPE.endpointInfo, 0n, endpoints);
    const hello = Buffer.alloc(10);
    hello[0] = speed;
    device.copy(hello, 1, 4, 7);
    device.copy(hello, 4, 8, 14);
    this.#send(TYPE.deviceConnect, 0n, hello);
  }

  #control(id: bigint, body: Buffer): void {
    const setup: Setup = {
      request: body[1] ?? 0,
      type: body[2] ?? 0,
      value: body.readUInt16LE(4),
      index: body.readUInt16LE(6),
      length: body.readUInt16LE(8),
      data: body.subarray(10),
    };
    const isIn = (setup.type & 0x80) !== 0;
    const answer = this.#standard(setup) ?? this.#function.onControl(setup);
    const data = isIn ? (answer?.subarray(0, setup.length) ?? Buffer.alloc(0)) : Buffer.alloc(0);
    const head = Buffer.from(body.subarray(0, 10));
    head[3] = answer === null ? STATUS.stall : STATUS.ok;
    head.writeUInt16LE(isIn ? data.length : answer === null ? 0 : setup.length, 8);
    this.#send(TYPE.control, id, head, data);
  }

  /** Descriptors and features (USB 2.0, 9.4); null leaves the request to the function. */
  #standard({ type, request, value }: Setup): Uint8Array | null {
    const { device, configuration, strings } = this.#function;
    if (type === 0x80 && request === 0) return Uint8Array.of(1, 0);
    if ((type & 0x60) === 0 && (type & 0x80) === 0 && request === 1) return new Uint8Array(0);
    if (type !== 0x80 || request !== 6) return null;
    const index = value & 0xff;
    switch (value >> 8) {
      case 1:
        return device;
      case 2:
        return configuration;
      case 3: {
        if (index === 0) return Uint8Array.of(4, 3, 9, 4);
        const text = Buffer.from(strings[index] ?? "", "utf16le");
        return Buffer.concat([Uint8Array.of(text.length + 2, 3), text]);
      }
      default:
        return null;
    }
  }

  #bulk(id: bigint, body: Buffer): void {
    const headBytes = this.#wideBulk ? 10 : 8;
    const high = this.#wideBulk ? body.readUInt16LE(8) : 0;
    const endpoint = body[0] ?? 0;
    const length = body.readUInt16LE(2) | (high << 16);
    this.#pending.set(id, { endpoint, length, stream: body.readUInt32LE(4) });
    const reply: BulkReply = {
      isOpen: () => this.#pending.has(id),
      end: (status, data, taken) => this.#answerBulk(id, status, data, taken),
    };
    if ((endpoint & 0x80) !== 0) this.#function.onBulkIn(endpoint, length, reply);
    else this.#function.onBulkOut(endpoint, body.subarray(headBytes), reply);
  }

  #answerBulk(id: bigint, status: UsbStatus, data: Uint8Array = new Uint8Array(0), taken?: number): void {
    const bulk = this.#pending.get(id);
    if (bulk === undefined) return;
    this.#pending.delete(id);
    const isIn = (bulk.endpoint & 0x80) !== 0;
    const length = isIn ? data.length : (taken ?? (status === STATUS.ok ? bulk.length : 0));
    const head = Buffer.alloc(this.#wideBulk ? 10 : 8);
    head[0] = bulk.endpoint;
    head[1] = status;
    head.writeUInt16LE(length & 0xffff, 2);
    head.writeUInt32LE(bulk.stream, 4);
    if (this.#wideBulk) head.writeUInt16LE(length >>> 16, 8);
    this.#send(TYPE.bulk, id, head, data);
  }
}

/** Plugs a device into the guest's port behind this socket; resolves when the guest configured it. */
export async function plug(path: string, usbFunction: UsbFunction): Promise<RedirectedDevice> {
  const socket = connect(path);
  await once(socket, "connect");
  const device = new RedirectedDevice(socket, usbFunction);
  await device.configured;
  return device;
}
