/**
 * The real bus: the `usb` package 2.18, which is libusb with its transfers laid open. Its own timeouts do not fire while
 * a device NAKs, so ours cancel (docs/decisions, usb package).
 */
import { readFile } from "node:fs/promises";
import type { Device, LibUSBException, usb as Libusb } from "usb";
import { DeviceError } from "./device.ts";
import {
  type UsbBus,
  type UsbConfiguration,
  UsbFault,
  type UsbHandle,
  type UsbOutcome,
  type UsbPeripheral,
  type UsbSetup,
  type UsbTransfer,
} from "./usb-bus.ts";

type Library = typeof Libusb;

/** Loads the native package; only agents with a `usb:` printer pay for it. */
export async function loadUsbBus(): Promise<UsbBus> {
  try {
    const { usb } = ((await import("usb")) as unknown as { default: typeof import("usb") }).default;
    return { devices: () => Promise.all(usb.getDeviceList().map((device) => describe(usb, device))) };
  } catch (cause) {
    const message = `USB printers need a library that does not load here (${String(cause)}). Install the Debian package libudev1, or use lp:/dev/usb/lp0.`;
    throw new DeviceError("device-unusable", "device", message, { cause });
  }
}

async function describe(usb: Library, device: Device): Promise<UsbPeripheral> {
  const { idVendor, idProduct } = device.deviceDescriptor;
  const port = [device.busNumber, (device.portNumbers ?? []).join(".")].join("-");
  return {
    vendorId: idVendor,
    productId: idProduct,
    port,
    serial: await readSerial(port),
    configurations: configurationsOf(device),
    async open() {
      guard(() => device.open(false));
      return new LibusbHandle(usb, device);
    },
  };
}

/** The kernel asked when it was plugged in; asking again would need access, and disturb a busy printer. */
async function readSerial(port: string): Promise<string | null> {
  const text = await readFile(`/sys/bus/usb/devices/${port}/serial`, "utf8").catch(() => "");
  return text.trim() === "" ? null : text.trim();
}

function configurationsOf(device: Device): UsbConfiguration[] {
  const active = device.configDescriptor?.bConfigurationValue;
  return device.allConfigDescriptors.map((configuration) => ({
    value: configuration.bConfigurationValue,
    isActive: configuration.bConfigurationValue === active,
    alternates: configuration.interfaces.flat().map((found) => ({
      number: found.bInterfaceNumber,
      alternate: found.bAlternateSetting,
      code: [found.bInterfaceClass, found.bInterfaceSubClass, found.bInterfaceProtocol],
      endpoints: found.endpoints.map(({ bEndpointAddress, bmAttributes }) => ({
        address: bEndpointAddress,
        isBulk: (bmAttributes & 3) === 2,
      })),
    })),
  }));
}

/** Of the package's own `Interface` nothing is used: it takes an interface's place in the list for its number. */
class LibusbHandle implements UsbHandle {
  readonly #usb: Library;
  readonly #device: Device;

  constructor(usb: Library, device: Device) {
    this.#usb = usb;
    this.#device = device;
  }

  configure(value: number): Promise<void> {
    return settle((done) => this.#device.__setConfiguration(value, done));
  }

  hasDriver(number: number): boolean {
    return guard(() => this.#device.__isKernelDriverActive(number));
  }

  detachDriver(number: number): void {
    guard(() => this.#device.__detachKernelDriver(number));
  }

  attachDriver(number: number): void {
    guard(() => this.#device.__attachKernelDriver(number));
  }

  claim(number: number): void {
    guard(() => this.#device.__claimInterface(number));
  }

  release(number: number): Promise<void> {
    return settle((done) => this.#device.__releaseInterface(number, done));
  }

  select(number: number, alternate: number): Promise<void> {
    return settle((done) => this.#device.__setInterface(number, alternate, done));
  }

  clearHalt(endpoint: number): Promise<void> {
    return settle((done) => this.#device.__clearHalt(endpoint, done));
  }

  async control(setup: UsbSetup, timeoutMs: number): Promise<Uint8Array> {
    const head = this.#usb.LIBUSB_CONTROL_SETUP_SIZE;
    const packet = Buffer.alloc(head + setup.length);
    packet[0] = setup.type;
    packet[1] = setup.request;
    packet.writeUInt16LE(setup.value, 2);
    packet.writeUInt16LE(setup.index, 4);
    packet.writeUInt16LE(setup.length, 6);
    const transfer = this.#start(0, this.#usb.LIBUSB_TRANSFER_TYPE_CONTROL, packet);
    const timer = setTimeout(() => transfer.cancel(), timeoutMs);
    const outcome = await transfer.done;
    clearTimeout(timer);
    switch (outcome.status) {
      case "done":
        return packet.subarray(head, head + Math.min(outcome.bytes, setup.length));
      case "stall":
        throw new UsbFault("EPIPE", "the device does not know this request");
      case "gone":
        throw new UsbFault("ENODEV", "the device is gone");
      case "cancelled":
        throw new UsbFault("ETIMEDOUT", `the device did not answer within ${timeoutMs} ms`);
      case "failed":
        throw new UsbFault("EIO", "the request failed");
    }
  }

  submit(endpoint: number, bytes: Uint8Array): UsbTransfer {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return this.#start(endpoint, this.#usb.LIBUSB_TRANSFER_TYPE_BULK, buffer);
  }

  close(): void {
    guard(() => this.#device.close());
  }

  #start(endpoint: number, kind: number, buffer: Buffer): UsbTransfer {
    const { promise: done, resolve } = Promise.withResolvers<UsbOutcome>();
    const settled = (cause: LibUSBException | undefined, _: Buffer, bytes: number): void =>
      resolve({ status: this.#statusOf(cause?.errno ?? 0), bytes });
    const transfer = new this.#usb.Transfer(this.#device, endpoint, kind, 0, settled);
    try {
      transfer.submit(buffer);
    } catch (cause) {
      resolve({ status: faultOf(cause).code === "ENODEV" ? "gone" : "failed", bytes: 0 });
    }
    // A device that is gone cannot be asked to cancel; its transfers end by themselves.
    const cancel = (): void => void attempt(() => transfer.cancel());
    return { done, cancel };
  }

  #statusOf(status: number): UsbOutcome["status"] {
    switch (status) {
      case this.#usb.LIBUSB_TRANSFER_COMPLETED:
        return "done";
      case this.#usb.LIBUSB_TRANSFER_STALL:
        return "stall";
      case this.#usb.LIBUSB_TRANSFER_NO_DEVICE:
        return "gone";
      case this.#usb.LIBUSB_TRANSFER_CANCELLED:
        return "cancelled";
      default:
        return "failed";
    }
  }
}

/** libusb's errors, negative as its functions return them. */
const FAULTS: ReadonlyMap<number, UsbFault["code"]> = new Map([
  [-3, "EACCES"],
  [-4, "ENODEV"],
  [-5, "ENODEV"],
  [-6, "EBUSY"],
  [-7, "ETIMEDOUT"],
  [-9, "EPIPE"],
]);

function faultOf(cause: unknown): UsbFault {
  const errno = cause instanceof Error && "errno" in cause ? Number(cause.errno) : 0;
  return new UsbFault(FAULTS.get(errno) ?? "EIO", String(cause), cause);
}

function guard<T>(call: () => T): T {
  try {
    return call();
  } catch (cause) {
    throw faultOf(cause);
  }
}

function attempt(call: () => unknown): void {
  try {
    call();
  } catch {
    // Told by the transfer itself.
  }
}

async function settle(call: (done: (cause?: LibUSBException) => void) => void): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    guard(() =>
      call((cause) => (cause === undefined || cause === null ? resolve() : reject(faultOf(cause)))),
    );
  });
}
