/**
 * `hid:` USB keyboards and keypads, read as HID reports through `node-hid`. Found by `vid:pid` (hexadecimal), by
 * device path, or `any`: the first keypad, else the first keyboard.
 */
import type { Source } from "./attachment.ts";
import { KeypadError } from "./keypad.ts";
import type { OnBytes } from "./terminal.ts";

/** HID Usage Tables, page 01h (generic desktop): 06h keyboard, 07h keypad. */
const GENERIC_DESKTOP = 0x01;
const KEYBOARD = 0x06;
const KEYPAD = 0x07;

export type HidMatch =
  | { readonly kind: "any" }
  | { readonly kind: "path"; readonly path: string }
  | { readonly kind: "id"; readonly vendorId: number; readonly productId: number };

/** What of `node-hid` is used; tests bring their own. */
export interface HidSystem {
  devicesAsync(): Promise<readonly HidInfo[]>;
  open(path: string): Promise<HidHandle>;
}

export interface HidInfo {
  readonly path?: string | undefined;
  readonly vendorId: number;
  readonly productId: number;
  readonly usagePage?: number | undefined;
  readonly usage?: number | undefined;
}

export interface HidHandle {
  on(event: "data", listener: (report: Uint8Array) => void): unknown;
  on(event: "error", listener: (cause: unknown) => void): unknown;
  close(): Promise<void>;
}

/** Loads the native package; only agents with a `hid:` keypad pay for it. */
export async function loadHidSystem(): Promise<HidSystem> {
  try {
    const hid = await import("node-hid");
    // The native half loads with the first call, not with the import.
    hid.getHidapiVersion();
    return { devicesAsync: () => hid.devicesAsync(), open: (path) => hid.HIDAsync.open(path) };
  } catch (cause) {
    const message = `USB keypads need a library that does not load here (${String(cause)}). Install the Debian packages libusb-1.0-0 and libudev1.`;
    throw new KeypadError("keypad-unusable", message, cause);
  }
}

/** Null where the text names no device. */
export function parseHidMatch(text: string): HidMatch | null {
  if (text === "any") return { kind: "any" };
  if (text.startsWith("/dev/")) return { kind: "path", path: text };
  const match = /^([0-9a-f]{4}):([0-9a-f]{4})$/i.exec(text);
  if (match?.[1] === undefined || match[2] === undefined) return null;
  return { kind: "id", vendorId: Number.parseInt(match[1], 16), productId: Number.parseInt(match[2], 16) };
}

/** The path of the device to read, or null while there is none. */
export function findHid(match: HidMatch, devices: readonly HidInfo[]): string | null {
  if (match.kind === "path") return devices.find((device) => device.path === match.path)?.path ?? null;
  const keyboards = devices
    .filter((device) => rank(device) > 0)
    .filter((device) => match.kind === "any" || isSame(match, device))
    .sort((one, other) => rank(other) - rank(one) || (one.path ?? "").localeCompare(other.path ?? ""));
  return keyboards[0]?.path ?? null;
}

/** Null while the keypad is missing. */
export async function openHid(match: HidMatch, hid: HidSystem, onReport: OnBytes): Promise<Source | null> {
  const path = findHid(match, await hid.devicesAsync());
  if (path === null) return null;
  const handle = await hid.open(path).catch((cause: unknown) => {
    const message = `The keypad ${path} cannot be opened. Install the udev rule that gives this program's user access to it.`;
    throw new KeypadError("keypad-unusable", message, cause);
  });
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  handle.on("error", () => end());
  handle.on("data", onReport);
  return { ended, close: () => handle.close().catch(() => undefined) };
}

function isSame(id: { vendorId: number; productId: number }, device: HidInfo): boolean {
  return device.vendorId === id.vendorId && device.productId === id.productId;
}

/** Keypads before keyboards before everything that is neither (a mouse, the media keys of the same device). */
function rank({ usagePage, usage }: HidInfo): number {
  if (usagePage !== GENERIC_DESKTOP) return 0;
  if (usage === KEYPAD) return 2;
  return usage === KEYBOARD ? 1 : 0;
}
