import { EventEmitter } from "node:events";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { findHid, type HidHandle, type HidInfo, type HidSystem, loadHidSystem } from "../../keypad/hid.ts";
import type { KeypadCondition } from "../../keypad/keypad.ts";
import { openKeypad } from "../../keypad/open-keypad.ts";
import { BOOT_KEYBOARD, NUMPAD } from "./descriptors.ts";

const keyboard: HidInfo = {
  path: "/dev/hidraw0",
  vendorId: 0x046d,
  productId: 0xc31c,
  usagePage: 1,
  usage: 6,
};
const mouse: HidInfo = { path: "/dev/hidraw1", vendorId: 0x046d, productId: 0xc077, usagePage: 1, usage: 2 };
const media: HidInfo = { path: "/dev/hidraw2", vendorId: 0x05fe, productId: 0x1010, usagePage: 12, usage: 1 };
const keypad: HidInfo = { path: "/dev/hidraw3", vendorId: 0x05fe, productId: 0x1010, usagePage: 1, usage: 7 };
const all = [mouse, media, keyboard, keypad];
const boot = { vendorId: 0x05fe, productId: 0x1010, isBootKeyboard: true };
const typewriter: HidInfo = { ...boot, path: "1-1:1.0", descriptor: BOOT_KEYBOARD, hasDriver: true };
const numpad: HidInfo = { ...boot, path: "1-2:1.0", descriptor: NUMPAD, hasDriver: true };
const orphan: HidInfo = { ...boot, path: "1-4:1.0", descriptor: null, hasDriver: false };

describe("finding", () => {
  it.each([
    ["any keypad before any keyboard", { kind: "any" }, all, "/dev/hidraw3"],
    ["no keyboard with letters that nobody named", { kind: "any" }, [mouse, media, keyboard], null],
    [
      "a keyboard that was named",
      { kind: "id", vendorId: 0x046d, productId: 0xc31c },
      [mouse, media, keyboard],
      "/dev/hidraw0",
    ],
    ["by what the descriptor says, digits alone", { kind: "any" }, [typewriter, numpad], "1-2:1.0"],
    ["no keyboard by its descriptor", { kind: "any" }, [typewriter], null],
    [
      "a keypad that a killed program left without a driver",
      { kind: "any" },
      [typewriter, orphan],
      "1-4:1.0",
    ],
    ["no mouse", { kind: "any" }, [mouse, media], null],
    [
      "the right interface of a device",
      { kind: "id", vendorId: 0x05fe, productId: 0x1010 },
      all,
      "/dev/hidraw3",
    ],
    ["nothing of another device", { kind: "id", vendorId: 0x05fe, productId: 0x1011 }, all, null],
    ["a path", { kind: "path", path: "/dev/hidraw0" }, all, "/dev/hidraw0"],
    ["no path that is not there", { kind: "path", path: "/dev/hidraw9" }, all, null],
  ] as const)("%s", (_, match, devices, path) => {
    expect(findHid(match, devices)).toBe(path);
  });
});

/** A USB bus: devices come and go. */
class FakeHid implements HidSystem {
  devices: HidInfo[] = [];
  readonly handles = new Map<string, EventEmitter & HidHandle>();
  opened = 0;
  /** Where node-hid would throw out of nowhere: it begins to read a tick after somebody listens. */
  readsOfClosed = 0;

  get handle(): (EventEmitter & HidHandle) | null {
    return [...this.handles.values()].at(-1) ?? null;
  }

  async devicesAsync(): Promise<readonly HidInfo[]> {
    return this.devices;
  }

  async open(path: string): Promise<HidHandle> {
    this.opened += 1;
    const handle = Object.assign(new EventEmitter(), {
      close: async () => void this.handles.delete(path),
    });
    handle.on("newListener", (name) => {
      if (name !== "data") return;
      process.nextTick(() => {
        if (this.handles.get(path) !== handle) this.readsOfClosed += 1;
      });
    });
    this.handles.set(path, handle);
    return handle;
  }

  press(...usages: number[]): void {
    this.handle?.emit("data", Uint8Array.from([0, 0, ...usages, ...Array(6 - usages.length).fill(0)]));
  }

  unplug(): void {
    this.devices = [];
    this.handle?.emit("error", new Error("could not read from HID device"));
  }
}

describe("a keypad on the bus", () => {
  it("that is let go as soon as it is taken is not read any more", async () => {
    const hid = new FakeHid();
    hid.devices = all;
    const events = { onKey: () => undefined, onCondition: () => undefined };
    const open = await openKeypad("hid:05fe:1010", events, { hid, pollMs: 1000 });
    await open.close();
    await new Promise((resolve) => setImmediate(resolve));
    expect(hid.opened).toBe(1);
    expect(hid.readsOfClosed).toBe(0);
  });

  it("gives keys, goes, and comes back with nothing held down", async () => {
    const hid = new FakeHid();
    const conditions: KeypadCondition[] = [];
    let keys = "";
    let wake = (): void => undefined;
    const events = {
      onKey: (key: { kind: string; digit?: string }) => {
        keys += key.digit ?? `<${key.kind}>`;
      },
      onCondition: (condition: KeypadCondition) => {
        conditions.push(condition);
        wake();
      },
    };
    const told = (): Promise<void> =>
      new Promise((resolve) => {
        wake = resolve;
      });
    const open = await openKeypad("hid:05fe:1010", events, { hid, pollMs: 1 });
    onTestFinished(() => open.close());
    expect(conditions).toEqual(["gone"]);
    hid.devices = all;
    await told();
    hid.press(0x59);
    hid.press(0x59);
    hid.press();
    hid.press(0x5a);
    expect(keys).toBe("12");
    hid.unplug();
    await told();
    hid.devices = all;
    await told();
    expect(conditions).toEqual(["gone", "attached", "gone", "attached"]);
    // The same key is down in the first report: it was pressed anew, as far as anybody knows.
    hid.press(0x5a);
    hid.press(0x58, 0x5a);
    expect(keys).toBe("122<enter>");
    expect(hid.opened).toBe(2);
  });

  it("is several at once: each types by itself, the last that goes ends it", async () => {
    const hid = new FakeHid();
    const one: HidInfo = { ...numpad, path: "1-1:1.0" };
    const two: HidInfo = { ...numpad, path: "1-2:1.0" };
    hid.devices = [one];
    let keys = "";
    let wake = (): void => undefined;
    const conditions: KeypadCondition[] = [];
    const events = {
      onKey: (key: { kind: string; digit?: string }) => {
        keys += key.digit ?? `<${key.kind}>`;
      },
      onCondition: (condition: KeypadCondition) => {
        conditions.push(condition);
        wake();
      },
    };
    const open = await openKeypad("hid:any", events, { hid, pollMs: 1 });
    onTestFinished(() => open.close());
    hid.devices = [one, two];
    await vi.waitUntil(() => hid.handles.size === 2);
    const press = (path: string, ...usages: number[]): void =>
      void hid.handles.get(path)?.emit("data", Uint8Array.of(...usages, ...Array(6 - usages.length).fill(0)));
    press("1-1:1.0", 0x59);
    // The other keypad has its own keys down.
    press("1-2:1.0", 0x59);
    press("1-1:1.0");
    press("1-2:1.0", 0x59, 0x58);
    expect(keys).toBe("11<enter>");
    hid.devices = [two];
    hid.handles.get("1-1:1.0")?.emit("error", new Error("gone"));
    await vi.waitUntil(() => hid.handles.size === 1);
    expect(conditions).toEqual(["attached"]);
    hid.devices = [];
    const told = new Promise<void>((resolve) => {
      wake = resolve;
    });
    hid.handles.get("1-2:1.0")?.emit("error", new Error("gone"));
    await told;
    expect(conditions).toEqual(["attached", "gone"]);
  });

  it("says what to do about a device that may not be opened", async () => {
    const hid = new FakeHid();
    hid.devices = all;
    hid.open = () => Promise.reject(new Error("cannot open device"));
    const events = { onKey: () => undefined, onCondition: () => undefined };
    await expect(openKeypad("hid:any", events, { hid })).rejects.toMatchObject({
      code: "keypad-unusable",
      message: expect.stringContaining("udev rule"),
    });
  });

  it("loads the real package, which lists what is there, or says what it lacks", async () => {
    const hid = await loadHidSystem().catch((cause: unknown) => {
      if (process.env.CI === "true") throw cause;
      expect(cause).toMatchObject({
        code: "keypad-unusable",
        message: expect.stringContaining("Install the Debian packages libusb-1.0-0"),
      });
      return null;
    });
    if (hid === null) return;
    expect(findHid({ kind: "id", vendorId: 0xdead, productId: 0xbeef }, await hid.devicesAsync())).toBeNull();
  });
});
