/** The three requests every USB printer knows (USB Printing Class 1.1, 4.2). */
import { type DeviceId, parseDeviceId } from "../pcl/device-id.ts";
import type { DeviceStatus } from "./device.ts";
import { STATUS_UNKNOWN } from "./device-transport.ts";
import { UsbFault, type UsbHandle } from "./usb-bus.ts";
import type { PrinterInterface } from "./usb-interface.ts";

const FROM_INTERFACE = 0xa1;
const TO_INTERFACE = 0x21;
/** Version 1.0 of the class said "other" here. */
const TO_OTHER = 0x23;

const DEVICE_ID_BYTES = 1024;
const PAPER_EMPTY = 0x20;
const SELECTED = 0x10;
const NOT_ERROR = 0x08;

/** GET_DEVICE_ID; null where the printer has none that can be read. Rejects with `UsbFault` `ENODEV` only. */
export async function readDeviceId(
  handle: UsbHandle,
  { configuration, number, alternate }: PrinterInterface,
  timeoutMs: number,
): Promise<DeviceId | null> {
  // The configuration's index counts from zero; its value, in practice, from one.
  const value = Math.max(0, configuration - 1);
  const setup = { type: FROM_INTERFACE, request: 0, value, index: (number << 8) | alternate };
  const answer = await ask(() => handle.control({ ...setup, length: DEVICE_ID_BYTES }, timeoutMs));
  return answer === null ? null : parseDeviceId(answer);
}

/** GET_PORT_STATUS. Rejects with `UsbFault` `ENODEV` only; a printer that does not answer is unknown. */
export async function readPortStatus(
  handle: UsbHandle,
  { number }: PrinterInterface,
  timeoutMs: number,
): Promise<DeviceStatus> {
  const setup = { type: FROM_INTERFACE, request: 1, value: 0, index: number, length: 1 };
  const answer = await ask(() => handle.control(setup, timeoutMs));
  return answer?.[0] === undefined ? STATUS_UNKNOWN : decodePortStatus(answer[0]);
}

/** A printer that cannot know says that all is well (4.2.2): `yes` is worth less than what it says elsewhere. */
export function decodePortStatus(bits: number): DeviceStatus {
  const source = "usb-port-status";
  if ((bits & PAPER_EMPTY) !== 0) return { ready: "no", reason: "paper", source };
  if ((bits & SELECTED) === 0) return { ready: "no", reason: "offline", source };
  if ((bits & NOT_ERROR) === 0) return { ready: "no", reason: "device", source };
  return { ready: "yes", reason: null, source };
}

/** SOFT_RESET: the printer forgets what it holds of a document and clears its halts. True where it knew the request. */
export async function softReset(
  handle: UsbHandle,
  { number }: PrinterInterface,
  timeoutMs: number,
): Promise<boolean> {
  for (const type of [TO_INTERFACE, TO_OTHER]) {
    const setup = { type, request: 2, value: 0, index: number, length: 0 };
    if ((await ask(() => handle.control(setup, timeoutMs))) !== null) return true;
  }
  return false;
}

async function ask(request: () => Promise<Uint8Array>): Promise<Uint8Array | null> {
  try {
    return await request();
  } catch (cause) {
    if (cause instanceof UsbFault && cause.code !== "ENODEV") return null;
    throw cause;
  }
}
