/** `usb:` addresses, and the printer among what is plugged in that an address names. */
import { DeviceError } from "./device.ts";
import { type DeviceUri, refuseOtherOptions, unusableUri } from "./device-uri.ts";
import type { UsbPeripheral } from "./usb-bus.ts";
import { choosePrinterInterface, type PrinterInterface, speaksIppOnly } from "./usb-interface.ts";
import { quirksOf, type UsbQuirks } from "./usb-quirks.ts";

/** What is null fits everything: `usb:` is the only printer there is. */
export interface UsbAddress {
  readonly uri: string;
  readonly vendorId: number | null;
  readonly productId: number | null;
  readonly serial: string | null;
  readonly port: string | null;
  /** Whether the printer's port status is believed; some say the same whatever happens. */
  readonly asksStatus: boolean;
}

export interface UsbPrinter {
  readonly device: UsbPeripheral;
  readonly face: PrinterInterface;
  readonly quirks: UsbQuirks;
}

/** `usb:`, `usb:04b8:0e15`, with `?serial=`, `?port=1-1.4` and `?status=off`. Throws `DeviceError` `device-unusable`. */
export function parseUsbAddress(uri: DeviceUri): UsbAddress {
  refuseOtherOptions(uri, ["serial", "port", "status"]);
  const ids = /^(?:([0-9a-f]{4}):([0-9a-f]{4}))?$/i.exec(uri.path);
  if (ids === null)
    throw unusableUri(uri.uri, "names no printer. Write usb: for the only one, or usb:04b8:0e15");
  const port = uri.options.get("port") ?? null;
  if (port !== null && !/^\d{1,3}-\d{1,3}(\.\d{1,3}){0,6}$/.test(port)) {
    throw unusableUri(uri.uri, "needs a port as in port=1-1.4: the bus, then the ports of the hubs");
  }
  const serial = uri.options.get("serial") ?? null;
  if (serial === "") throw unusableUri(uri.uri, "has an empty serial number. Leave it out, or name the port");
  const status = uri.options.get("status") ?? "on";
  if (status !== "on" && status !== "off")
    throw unusableUri(uri.uri, "has a status that is neither on nor off");
  return {
    uri: uri.uri,
    vendorId: ids[1] === undefined ? null : Number.parseInt(ids[1], 16),
    productId: ids[2] === undefined ? null : Number.parseInt(ids[2], 16),
    serial,
    port,
    asksStatus: status === "on",
  };
}

/** Everything plugged in that takes documents. */
export function listUsbPrinters(devices: readonly UsbPeripheral[]): UsbPrinter[] {
  return devices.flatMap((device) => {
    const quirks = quirksOf(device.vendorId, device.productId);
    const face = choosePrinterInterface(device, quirks);
    return face === null ? [] : [{ device, face, quirks }];
  });
}

/** The one printer the address names. Throws `DeviceError` `device-unusable` where there is none, or more than one. */
export function findUsbPrinter(address: UsbAddress, devices: readonly UsbPeripheral[]): UsbPrinter {
  const named = devices.filter((device) => isNamed(address, device));
  const printers = listUsbPrinters(named);
  const [first, ...others] = printers;
  if (first === undefined) throw absence(address, named);
  if (others.length > 0) {
    const names = printers.map(({ device }) => usbUriOf(device, devices)).join(" or ");
    throw unusable(address.uri, "device", `several printers fit. Name one: ${names}.`);
  }
  if (first.quirks.refused) {
    throw unusable(
      address.uri,
      "device",
      "this printer needs its maker's driver and takes no documents as bytes.",
    );
  }
  return first;
}

/** How to name this device so that it is found again: by serial number, or by port where that is missing or shared. */
export function usbUriOf(device: UsbPeripheral, devices: readonly UsbPeripheral[]): string {
  const ids = [device.vendorId, device.productId].map((id) => id.toString(16).padStart(4, "0")).join(":");
  const same = devices.filter(
    (other) =>
      other.vendorId === device.vendorId &&
      other.productId === device.productId &&
      other.serial === device.serial,
  );
  return device.serial !== null && same.length === 1
    ? `usb:${ids}?serial=${encodeURIComponent(device.serial)}`
    : `usb:${ids}?port=${device.port}`;
}

function isNamed({ vendorId, productId, serial, port }: UsbAddress, device: UsbPeripheral): boolean {
  return (
    (vendorId === null || vendorId === device.vendorId) &&
    (productId === null || productId === device.productId) &&
    (serial === null || serial === device.serial) &&
    (port === null || port === device.port)
  );
}

function absence({ uri, vendorId, serial, port }: UsbAddress, named: readonly UsbPeripheral[]): DeviceError {
  if (named.some(speaksIppOnly)) {
    return unusable(
      uri,
      "device",
      "this printer speaks IPP over USB only, which takes no documents as bytes.",
    );
  }
  const isOne = vendorId !== null || serial !== null || port !== null;
  if (isOne && named.length > 0)
    return unusable(uri, "device", "this USB device is no printer. Name another one.");
  return unusable(uri, "offline", "no such printer is plugged in. Is it on, and is its USB cable in?");
}

function unusable(uri: string, reason: "device" | "offline", what: string): DeviceError {
  return new DeviceError("device-unusable", reason, `${uri}: ${what}`, { taken: { atLeast: 0, atMost: 0 } });
}
