/**
 * The printers the kernel knows of: USB interfaces of class 7 with the driver bound to them, and serial lines. Read
 * from sysfs, so that nothing is opened and no rights are needed.
 */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { type DeviceId, parseDeviceId } from "../pcl/device-id.ts";

/** Of the USB printer class (usbprint11a): 1 unidirectional, 2 bidirectional, 4 IPP over USB. */
const PRINTER_CLASS = "07";
const IPP_OVER_USB = 4;

interface PluggedInterface {
  readonly protocol: number;
  /** Null: none. `usbfs`: a program talks to it directly. */
  readonly driver: string | null;
  /** `/dev/usb/lp0`, where usblp is bound. */
  readonly lpNode: string | null;
  /** Only usblp tells it. */
  readonly deviceId: DeviceId | null;
}

export interface PluggedPrinter {
  /** Where it is plugged in, as the kernel counts: `1-1.2`. */
  readonly place: string;
  /** Four hexadecimal digits each. */
  readonly vendorId: string;
  readonly productId: string;
  readonly serial: string | null;
  /** As it calls itself. */
  readonly name: string;
  /** `/dev/bus/usb/001/005` */
  readonly node: string;
  readonly interfaces: readonly PluggedInterface[];
}

interface SerialLine {
  /** `/dev/serial/by-id/...`: the name that stays. */
  readonly path: string;
  readonly node: string;
}

export interface Census {
  readonly usb: readonly PluggedPrinter[];
  readonly serial: readonly SerialLine[];
}

/** @param root where `sys` and `dev` are: another folder in tests */
export function takeCensus(root = "/"): Census {
  return { usb: findUsbPrinters(root), serial: findSerialLines(root) };
}

/** It speaks a printer language over USB, not only IPP. */
export function takesDocuments({ interfaces }: PluggedPrinter): boolean {
  return interfaces.some(({ protocol }) => protocol !== IPP_OVER_USB);
}

/** How to name it in agent.toml so that it is found again: by serial number, else by where it is plugged in. */
export function uriOf(
  { vendorId, productId, serial, place }: PluggedPrinter,
  all: readonly PluggedPrinter[],
): string {
  const twins = all.filter(
    (other) => other.vendorId === vendorId && other.productId === productId && other.serial === serial,
  );
  const which =
    serial !== null && twins.length === 1 ? `serial=${encodeURIComponent(serial)}` : `port=${place}`;
  return `usb:${vendorId}:${productId}?${which}`;
}

function findUsbPrinters(root: string): PluggedPrinter[] {
  const devices = join(root, "sys/bus/usb/devices");
  const printers = new Map<string, PluggedPrinter>();
  for (const entry of list(devices)) {
    const place = /^([0-9]+-[0-9.]+):[0-9]+\.[0-9]+$/.exec(entry)?.[1];
    if (place === undefined || read(join(devices, entry, "bInterfaceClass")) !== PRINTER_CLASS) continue;
    const one = readInterface(join(devices, entry));
    const known = printers.get(place) ?? readPrinter(root, place);
    printers.set(place, { ...known, interfaces: [...known.interfaces, one] });
  }
  return [...printers.values()];
}

/** `/dev/bus/usb/001/005` of what is plugged in at `1-1.2`; null where nothing is. */
export function busNodeOf(place: string, root = "/"): string | null {
  const folder = join(root, "sys/bus/usb/devices", place);
  const [bus, device] = ["busnum", "devnum"].map((file) => read(join(folder, file))?.padStart(3, "0"));
  return bus === undefined || device === undefined ? null : `/dev/bus/usb/${bus}/${device}`;
}

function readPrinter(root: string, place: string): PluggedPrinter {
  const text = (file: string) => read(join(root, "sys/bus/usb/devices", place, file));
  const name = [text("manufacturer"), text("product")].filter((word) => word !== null).join(" ");
  const vendorId = text("idVendor") ?? "0000";
  const productId = text("idProduct") ?? "0000";
  return {
    place,
    vendorId,
    productId,
    serial: text("serial"),
    name: printable(name) || `${vendorId}:${productId}`,
    node: busNodeOf(place, root) ?? "",
    interfaces: [],
  };
}

function readInterface(folder: string): PluggedInterface {
  const lp = list(join(folder, "usbmisc")).find((name) => /^lp[0-9]+$/.test(name));
  const id = readBytes(join(folder, "ieee1284_id"));
  return {
    protocol: Number.parseInt(read(join(folder, "bInterfaceProtocol")) ?? "0", 16),
    driver: driverOf(folder),
    lpNode: lp === undefined ? null : `/dev/usb/${lp}`,
    deviceId: id === null ? null : parseDeviceId(id),
  };
}

function findSerialLines(root: string): SerialLine[] {
  const folder = join(root, "dev/serial/by-id");
  return list(folder).map((name) => ({
    path: `/dev/serial/by-id/${name}`,
    node: `/dev/${basename(target(join(folder, name)) ?? name)}`,
  }));
}

function driverOf(folder: string): string | null {
  const link = target(join(folder, "driver"));
  return link === null ? null : basename(link);
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

function target(link: string): string | null {
  try {
    return readlinkSync(link);
  } catch {
    return null;
  }
}

function readBytes(file: string): Uint8Array | null {
  try {
    return readFileSync(file).subarray(0, 8192);
  } catch {
    return null;
  }
}

function read(file: string): string | null {
  const text = readBytes(file);
  return text === null ? null : Buffer.from(text).toString("utf8").trim() || null;
}

/** Devices may call themselves anything; a terminal must not obey it. */
function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\u202A-\u202E\u2066-\u2069]/gu, "").trim();
}
