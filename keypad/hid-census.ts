/**
 * The HID interfaces on the USB bus, as the kernel knows them in sysfs: no device is opened for it, so a keyboard that
 * is not ours never notices. Named as libusb names them, `1-1.4:1.0`: the port, then configuration and interface.
 */
import { readdir, readFile, realpath } from "node:fs/promises";
import { basename, join } from "node:path";
import type { HidInfo } from "./hid.ts";

const HID_CLASS = 3;
const BOOT_KEYBOARD = 1;

/** @param root for tests */
export async function listHidInterfaces(root = "/sys"): Promise<HidInfo[]> {
  const bus = join(root, "bus", "usb", "devices");
  const names = (await readdir(bus).catch((): string[] => [])).filter((name) =>
    /^\d+-[\d.]+:\d+\.\d+$/.test(name),
  );
  const found = await Promise.all(names.sort().map((name) => describe(bus, name)));
  return found.filter((info) => info !== null);
}

/** The interface behind a device node, or behind a link that a udev rule made to it. Null where there is none. */
export async function interfaceOfNode(path: string, root = "/sys"): Promise<string | null> {
  const node = basename(await realpath(path).catch(() => ""));
  const device = await realpath(join(root, "class", "hidraw", node, "device")).catch(() => "");
  const name = basename(join(device, ".."));
  return node !== "" && /^\d+-[\d.]+:\d+\.\d+$/.test(name) ? name : null;
}

async function describe(bus: string, name: string): Promise<HidInfo | null> {
  const folder = join(bus, name);
  const device = join(bus, name.replace(/:.*/, ""));
  if ((await readHex(join(folder, "bInterfaceClass"))) !== HID_CLASS) return null;
  const [vendorId, productId, protocol] = await Promise.all([
    readHex(join(device, "idVendor")),
    readHex(join(device, "idProduct")),
    readHex(join(folder, "bInterfaceProtocol")),
  ]);
  if (vendorId === null || productId === null) return null;
  const entries = await readdir(folder).catch((): string[] => []);
  const child = entries.find((entry) => /^[0-9A-F]{4}:[0-9A-F]{4}:[0-9A-F]{4}\.[0-9A-F]+$/.test(entry));
  const descriptor =
    child === undefined ? null : await readFile(join(folder, child, "report_descriptor")).catch(() => null);
  return {
    path: name,
    vendorId,
    productId,
    descriptor,
    isBootKeyboard: protocol === BOOT_KEYBOARD,
    hasDriver: entries.includes("driver"),
  };
}

async function readHex(path: string): Promise<number | null> {
  const text = await readFile(path, "utf8").catch(() => "");
  return /^[0-9a-f]+\s*$/i.test(text) ? Number.parseInt(text, 16) : null;
}
