/**
 * `hid:` USB keyboards and keypads, read as HID reports through `node-hid`, which takes them from the kernel: what is
 * typed there reaches no console and no login prompt. So it takes only what it was told is ours: by `vid:pid`
 * (hexadecimal), by port or device path (also a link that a udev rule made), or `any`: every keypad without letters.
 */
import type { Source } from "./attachment.ts";
import { openGang } from "./gang.ts";
import { interfaceOfNode, listHidInterfaces } from "./hid-census.ts";
import { KeypadError } from "./keypad.ts";
import { hasDigits, hasLetters, parseReportDescriptor } from "./report-descriptor.ts";
import type { OnBytes } from "./terminal.ts";

/** HID Usage Tables, page 01h (generic desktop): 06h keyboard, 07h keypad. */
const GENERIC_DESKTOP = 0x01;
const KEYBOARD = 0x06;
const KEYPAD = 0x07;

/** How often it is looked for more of what fits. */
const SCAN_MS = 2000;

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
  /** The report descriptor; null or left out where it cannot be read now. */
  readonly descriptor?: Uint8Array | null;
  readonly isBootKeyboard?: boolean;
  /** Whether a driver has the interface. */
  readonly hasDriver?: boolean;
}

export interface HidHandle {
  on(event: "data", listener: (report: Uint8Array) => void): unknown;
  on(event: "error", listener: (cause: unknown) => void): unknown;
  close(): Promise<void>;
}

/** Loads the native package; only agents with a `hid:` keypad pay for it. */
export async function loadHidSystem(): Promise<HidSystem> {
  try {
    // A bundle gives a CommonJS package as its default alone; Node gives both ways.
    const { default: hid } = (await import("node-hid")) as unknown as { default: typeof import("node-hid") };
    // The other driver, hidraw, would share the keypad with the console. Before the native half loads.
    if (process.platform === "linux") hid.setDriverType("libusb");
    // It loads with the first call, not with the import.
    hid.getHidapiVersion();
    const devicesAsync = process.platform === "linux" ? () => listHidInterfaces() : () => hid.devicesAsync();
    return { devicesAsync, open: (path) => hid.HIDAsync.open(path) };
  } catch (cause) {
    const message = `USB keypads need a library that does not load here (${String(cause)}). Install the Debian packages libusb-1.0-0 and libudev1.`;
    throw new KeypadError("keypad-unusable", message, cause);
  }
}

/** Null where the text names no device. */
export function parseHidMatch(text: string): HidMatch | null {
  if (text === "any") return { kind: "any" };
  if (text.startsWith("/dev/") || /^\d+-[\d.]+:\d+\.\d+$/.test(text)) return { kind: "path", path: text };
  const match = /^([0-9a-f]{4}):([0-9a-f]{4})$/i.exec(text);
  if (match?.[1] === undefined || match[2] === undefined) return null;
  return { kind: "id", vendorId: Number.parseInt(match[1], 16), productId: Number.parseInt(match[2], 16) };
}

/** The paths of the devices to read, keypads before keyboards. */
function findAllHid(match: HidMatch, devices: readonly HidInfo[]): string[] {
  if (match.kind === "path") return devices.flatMap(({ path }) => (path === match.path ? [path] : []));
  return devices
    .filter((device) => rank(device) > 0)
    .filter((device) => (match.kind === "any" ? isKeypad(device) : isSame(match, device)))
    .sort((one, other) => rank(other) - rank(one) || (one.path ?? "").localeCompare(other.path ?? ""))
    .flatMap(({ path }) => path ?? []);
}

/** The first of them, or null while there is none. */
export function findHid(match: HidMatch, devices: readonly HidInfo[]): string | null {
  return findAllHid(match, devices)[0] ?? null;
}

/** What listens to one device; made anew whenever it is opened. */
export interface HidListener {
  onReport: OnBytes;
  /** The device is gone, or let go. */
  end(): void;
}

/** Null while no keypad that fits is there. */
export async function openHid(
  match: HidMatch,
  hid: HidSystem,
  listen: (device: HidInfo) => HidListener,
  scanMs = SCAN_MS,
): Promise<Source | null> {
  const found = new Map<string, HidInfo>();
  const find = async (): Promise<string[]> => {
    const devices = await hid.devicesAsync();
    for (const device of devices) found.set(device.path ?? "", device);
    return findAllHid(await resolve(match, devices), devices);
  };
  const open = (path: string): Promise<Source> =>
    openOne(hid, path, () => listen(found.get(path) ?? { path, vendorId: 0, productId: 0 }));
  return await openGang({ find, open }, scanMs);
}

async function openOne(hid: HidSystem, path: string, listen: () => HidListener): Promise<Source> {
  const handle = await hid.open(path).catch((cause: unknown) => {
    const message = `The keypad ${path} cannot be opened. Install the udev rule that gives this program's user access to it, and stop what else uses it.`;
    throw new KeypadError("keypad-unusable", message, cause);
  });
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  const listener = listen();
  handle.on("error", () => end());
  handle.on("data", (report) => listener.onReport(report));
  // node-hid begins to read in the next tick, and throws there, where nobody can catch it, if it was closed by then.
  await new Promise<void>((resume) => process.nextTick(resume));
  return {
    ended,
    async close() {
      listener.end();
      await handle.close().catch(() => undefined);
    },
  };
}

/** A device node, or a link to one, names the interface behind it. */
async function resolve(match: HidMatch, devices: readonly HidInfo[]): Promise<HidMatch> {
  if (match.kind !== "path" || devices.some(({ path }) => path === match.path)) return match;
  const path = match.path.startsWith("/dev/") ? await interfaceOfNode(match.path) : null;
  return path === null ? match : { kind: "path", path };
}

function isSame(id: { vendorId: number; productId: number }, device: HidInfo): boolean {
  return device.vendorId === id.vendorId && device.productId === id.productId;
}

/**
 * Without letters, or taken from the kernel already: a program like this one that was killed did so, and nobody else
 * reads it.
 */
function isKeypad(device: HidInfo): boolean {
  return rank(device) === KEYPAD_RANK || (device.isBootKeyboard === true && device.hasDriver === false);
}

const KEYPAD_RANK = 2;
const KEYBOARD_RANK = 1;

/** Keypads before keyboards before everything that is neither (a mouse, the media keys of the same device). */
function rank({ usagePage, usage, descriptor, isBootKeyboard }: HidInfo): number {
  const layout = descriptor ? parseReportDescriptor(descriptor) : null;
  if (layout !== null) return !hasDigits(layout) ? 0 : hasLetters(layout) ? KEYBOARD_RANK : KEYPAD_RANK;
  if (usagePage === GENERIC_DESKTOP && usage === KEYPAD) return KEYPAD_RANK;
  if (usagePage === GENERIC_DESKTOP && usage === KEYBOARD) return KEYBOARD_RANK;
  return !descriptor && isBootKeyboard === true ? KEYBOARD_RANK : 0;
}
