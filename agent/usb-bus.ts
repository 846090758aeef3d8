/** What of USB the agent uses, as libusb has it. The real bus is `usb-libusb.ts`; tests bring their own. */

export interface UsbBus {
  /** What is plugged in now. */
  devices(): Promise<readonly UsbPeripheral[]>;
}

/** A device on the bus, not open. */
export interface UsbPeripheral {
  readonly vendorId: number;
  readonly productId: number;
  /** Where it is plugged in, as Linux writes it: the bus, then the ports of the hubs, `1-1.4`. */
  readonly port: string;
  /** As the device says; null where it has none. */
  readonly serial: string | null;
  readonly configurations: readonly UsbConfiguration[];
  /** Rejects with {@link UsbFault}. */
  open(): Promise<UsbHandle>;
}

export interface UsbConfiguration {
  readonly value: number;
  readonly isActive: boolean;
  /** Every alternate setting of every interface. */
  readonly alternates: readonly UsbAlternate[];
}

export interface UsbAlternate {
  readonly number: number;
  readonly alternate: number;
  /** Class, subclass, protocol. */
  readonly code: readonly [number, number, number];
  readonly endpoints: readonly UsbEndpoint[];
}

interface UsbEndpoint {
  /** Bit 7 set: from the device to us. */
  readonly address: number;
  readonly isBulk: boolean;
}

/** An open device. Everything rejects or throws with {@link UsbFault}. */
export interface UsbHandle {
  configure(value: number): Promise<void>;
  /** Whether a driver of the kernel (not another program) has the interface. */
  hasDriver(number: number): boolean;
  detachDriver(number: number): void;
  attachDriver(number: number): void;
  claim(number: number): void;
  release(number: number): Promise<void>;
  select(number: number, alternate: number): Promise<void>;
  /** Resolves to what was read; an OUT request has no data and resolves to nothing. Stops after `timeoutMs`. */
  control(setup: UsbSetup, timeoutMs: number): Promise<Uint8Array>;
  /** A bulk transfer. It is pending as long as the device NAKs; `bytes` is the bus's until `done` settles. */
  submit(endpoint: number, bytes: Uint8Array): UsbTransfer;
  clearHalt(endpoint: number): Promise<void>;
  /** Only when no transfer is pending. */
  close(): void;
}

/** A control request without data to the device (USB 2.0, 9.3). Bit 7 of `type` set: it answers up to `length` bytes. */
export interface UsbSetup {
  readonly type: number;
  readonly request: number;
  readonly value: number;
  readonly index: number;
  readonly length: number;
}

export interface UsbTransfer {
  /** Never rejects. */
  readonly done: Promise<UsbOutcome>;
  cancel(): void;
}

export interface UsbOutcome {
  readonly status: "done" | "stall" | "gone" | "cancelled" | "failed";
  /** How many bytes moved; of a transfer that was cancelled nobody knows. */
  readonly bytes: number;
}

/** `code` is the operating system's for the same trouble, so that one table has the words. */
export class UsbFault extends Error {
  readonly code: "EACCES" | "EBUSY" | "ENODEV" | "EPIPE" | "ETIMEDOUT" | "EIO";

  constructor(code: UsbFault["code"], message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "UsbFault";
    this.code = code;
  }
}
