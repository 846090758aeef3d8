/**
 * A USB bus with printers that misbehave on demand: they take a part, NAK, stall, answer late, lie, are pulled out.
 * Below the production code down to the bus.
 */
import { setImmediate as turn } from "node:timers/promises";
import {
  type UsbAlternate,
  type UsbBus,
  type UsbConfiguration,
  UsbFault,
  type UsbHandle,
  type UsbOutcome,
  type UsbPeripheral,
  type UsbSetup,
  type UsbTransfer,
} from "../../agent/usb-bus.ts";

export type UsbFaultKind =
  /** Takes one byte of the transfer and says so. */
  | "short"
  /** Stalls after one byte; nothing goes on before the halt is cleared. */
  | "stall"
  /** Stalls and takes nothing. */
  | "stuck"
  /** Some turns of the event loop pass. */
  | "delay"
  /** Takes nothing, and calls it a success. */
  | "nothing"
  /** Says it took more than there was. */
  | "lie"
  /** The bus gives up the transfer. */
  | "error"
  /** The cable comes out in the middle of the transfer. */
  | "unplug"
  /** A cancelled transfer comes back late, and its count is wrong. */
  | "late-cancel";

interface Script {
  readonly kind: UsbFaultKind;
  readonly afterBytes: number;
  left: number;
}

interface PendingTransfer {
  readonly endpoint: number;
  readonly bytes: Uint8Array;
  readonly resolve: (outcome: UsbOutcome) => void;
}

export const BIDIRECTIONAL: UsbAlternate = {
  number: 0,
  alternate: 0,
  code: [7, 1, 2],
  endpoints: [
    { address: 0x01, isBulk: true },
    { address: 0x82, isBulk: true },
  ],
};

export function oneConfiguration(...alternates: readonly UsbAlternate[]): readonly UsbConfiguration[] {
  return [{ value: 1, isActive: true, alternates }];
}

export interface FakeUsbOptions {
  readonly vendorId?: number;
  readonly productId?: number;
  readonly serial?: string | null;
  readonly port?: string;
  readonly configurations?: readonly UsbConfiguration[];
}

export class FakeUsbPrinter implements UsbPeripheral {
  readonly vendorId: number;
  readonly productId: number;
  readonly serial: string | null;
  readonly port: string;
  readonly configurations: readonly UsbConfiguration[];
  /** What was asked of it, in order: `detach`, `claim`, `reset` and so on. */
  readonly calls: string[] = [];
  deviceId = "MFG:LAB;MDL:TM-LAB;CMD:ESC/POS;";
  portStatus: number | null = 0x18;
  hasKernelDriver = true;
  /** Refuses with that at the next `open` or `claim`. */
  refusal: { at: "open" | "claim"; code: UsbFault["code"] } | null = null;
  naks = false;
  #isIn = true;
  #isHalted = false;
  #chunks: Uint8Array[] = [];
  #size = 0;
  #scripts: Script[] = [];
  #pending: PendingTransfer[] = [];
  #saying: Uint8Array[] = [];

  constructor(options: FakeUsbOptions = {}) {
    this.vendorId = options.vendorId ?? 0x04b8;
    this.productId = options.productId ?? 0x0e15;
    this.serial = options.serial === undefined ? "LAB0001" : options.serial;
    this.port = options.port ?? "1-1";
    this.configurations = options.configurations ?? oneConfiguration(BIDIRECTIONAL);
  }

  get received(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  get isPluggedIn(): boolean {
    return this.#isIn;
  }

  get pendingCount(): number {
    return this.#pending.length;
  }

  inject(kind: UsbFaultKind, afterBytes = 0, times = 1): void {
    this.#scripts.push({ kind, afterBytes, left: times });
  }

  say(bytes: Uint8Array): void {
    this.#saying.push(bytes);
    this.#speak();
  }

  /** Ends a NAK: what waits is taken now. */
  resume(): void {
    this.naks = false;
    const waiting = this.#pending.filter(({ endpoint }) => (endpoint & 0x80) === 0);
    this.#pending = this.#pending.filter((transfer) => !waiting.includes(transfer));
    for (const transfer of waiting) void this.#take(transfer);
  }

  unplug(): void {
    this.#isIn = false;
    for (const { resolve } of this.#pending.splice(0)) resolve({ status: "gone", bytes: 0 });
  }

  plugIn(): void {
    this.#isIn = true;
    this.hasKernelDriver = true;
  }

  async open(): Promise<UsbHandle> {
    this.#refuse("open");
    this.calls.push("open");
    return this.#handle();
  }

  #handle(): UsbHandle {
    const call = (name: string): void => {
      this.calls.push(name);
      if (!this.#isIn) throw new UsbFault("ENODEV", "no device");
    };
    return {
      configure: async (value) => call(`configure ${value}`),
      hasDriver: () => this.hasKernelDriver,
      detachDriver: (number) => {
        call(`detach ${number}`);
        this.hasKernelDriver = false;
      },
      attachDriver: (number) => {
        call(`attach ${number}`);
        this.hasKernelDriver = true;
      },
      claim: (number) => {
        this.#refuse("claim");
        if (this.hasKernelDriver) throw new UsbFault("EBUSY", "busy");
        call(`claim ${number}`);
      },
      release: async (number) => call(`release ${number}`),
      select: async (number, alternate) => call(`select ${number} ${alternate}`),
      clearHalt: async (endpoint) => {
        call(`clear ${endpoint}`);
        this.#isHalted = false;
      },
      control: (setup, timeoutMs) => this.#control(setup, timeoutMs),
      submit: (endpoint, bytes) => this.#submit(endpoint, bytes),
      close: () => {
        if (this.#pending.length > 0) throw new UsbFault("EIO", "a transfer is pending");
        this.calls.push("close");
      },
    };
  }

  #refuse(at: "open" | "claim"): void {
    if (this.refusal?.at !== at) return;
    const { code } = this.refusal;
    this.refusal = null;
    throw new UsbFault(code, "refused");
  }

  async #control({ type, request }: UsbSetup, timeoutMs: number): Promise<Uint8Array> {
    await turn();
    if (!this.#isIn) throw new UsbFault("ENODEV", "no device");
    if (type === 0xa1 && request === 0) return this.#answerDeviceId();
    if (type === 0x21 && request === 2) {
      this.calls.push("reset");
      return new Uint8Array(0);
    }
    if (type !== 0xa1 || request !== 1) throw new UsbFault("EPIPE", "stall");
    if (this.portStatus === null) throw new UsbFault("ETIMEDOUT", `nothing within ${timeoutMs} ms`);
    return Uint8Array.of(this.portStatus);
  }

  #answerDeviceId(): Uint8Array {
    const text = Buffer.from(this.deviceId, "latin1");
    const head = Buffer.alloc(2);
    head.writeUInt16BE(text.length + 2);
    return Buffer.concat([head, text]);
  }

  #submit(endpoint: number, bytes: Uint8Array): UsbTransfer {
    const { promise: done, resolve } = Promise.withResolvers<UsbOutcome>();
    const transfer = { endpoint, bytes, resolve };
    if (!this.#isIn) resolve({ status: "gone", bytes: 0 });
    else if ((endpoint & 0x80) === 0) void this.#take(transfer);
    else {
      this.#pending.push(transfer);
      this.#speak();
    }
    return { done, cancel: () => void this.#cancel(transfer) };
  }

  async #cancel(transfer: PendingTransfer): Promise<void> {
    if (!this.#pending.includes(transfer)) return;
    if (this.#trip("late-cancel")) for (let turns = 0; turns < 50; turns += 1) await turn();
    this.#pending = this.#pending.filter((other) => other !== transfer);
    // What libusb 1.0 says after a cancel, whatever the printer took.
    transfer.resolve({ status: "cancelled", bytes: transfer.bytes.length });
  }

  async #take(transfer: PendingTransfer): Promise<void> {
    const { bytes, resolve } = transfer;
    if (this.naks) {
      this.#pending.push(transfer);
      return;
    }
    if (this.#isHalted) return resolve({ status: "stall", bytes: 0 });
    const script = this.#scripts.find(
      ({ kind, left, afterBytes }) =>
        kind !== "late-cancel" && left > 0 && this.#size + bytes.length > afterBytes,
    );
    if (script === undefined) {
      this.#print(bytes);
      return resolve({ status: "done", bytes: bytes.length });
    }
    script.left -= 1;
    resolve(await this.#suffer(script, bytes));
  }

  async #suffer({ kind, afterBytes }: Script, bytes: Uint8Array): Promise<UsbOutcome> {
    const cut = Math.min(bytes.length, Math.max(1, afterBytes - this.#size));
    switch (kind) {
      case "delay":
        for (let turns = 0; turns < 20; turns += 1) await turn();
        this.#print(bytes);
        return { status: "done", bytes: bytes.length };
      case "stuck":
        this.#isHalted = true;
        return { status: "stall", bytes: 0 };
      case "nothing":
        return { status: "done", bytes: 0 };
      case "lie":
        this.#print(bytes);
        return { status: "done", bytes: bytes.length + 1 };
      case "error":
        return { status: "failed", bytes: 0 };
      case "unplug":
        this.#print(bytes.subarray(0, cut));
        this.unplug();
        return { status: "gone", bytes: 0 };
      case "stall":
        this.#isHalted = true;
        this.#print(bytes.subarray(0, cut));
        return { status: "stall", bytes: cut };
      default:
        this.#print(bytes.subarray(0, cut));
        return { status: "done", bytes: cut };
    }
  }

  #trip(kind: UsbFaultKind): boolean {
    const script = this.#scripts.find((each) => each.kind === kind && each.left > 0);
    if (script !== undefined) script.left -= 1;
    return script !== undefined;
  }

  #print(bytes: Uint8Array): void {
    this.#chunks.push(Uint8Array.from(bytes));
    this.#size += bytes.length;
  }

  #speak(): void {
    const [bytes] = this.#saying;
    const reader = this.#pending.find(({ endpoint }) => (endpoint & 0x80) !== 0);
    if (bytes === undefined || reader === undefined) return;
    this.#saying.shift();
    this.#pending = this.#pending.filter((other) => other !== reader);
    reader.bytes.set(bytes);
    reader.resolve({ status: "done", bytes: bytes.length });
  }
}

export class FakeUsbBus implements UsbBus {
  readonly printers: readonly FakeUsbPrinter[];

  constructor(...printers: readonly FakeUsbPrinter[]) {
    this.printers = printers;
  }

  async devices(): Promise<readonly UsbPeripheral[]> {
    return this.printers.filter(({ isPluggedIn }) => isPluggedIn);
  }
}
