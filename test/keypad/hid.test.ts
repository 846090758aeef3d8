import { EventEmitter } from "node:events";
import { describe, expect, it, onTestFinished } from "vitest";
import { findHid, type HidHandle, type HidInfo, type HidSystem, loadHidSystem } from "../../keypad/hid.ts";
import type { KeypadCondition } from "../../keypad/keypad.ts";
import { openKeypad } from "../../keypad/open-keypad.ts";

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

describe("finding", () => {
  it.each([
    ["any keypad before any keyboard", { kind: "any" }, all, "/dev/hidraw3"],
    ["any keyboard where there is no keypad", { kind: "any" }, [mouse, media, keyboard], "/dev/hidraw0"],
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
  handle: (EventEmitter & HidHandle) | null = null;
  opened = 0;

  async devicesAsync(): Promise<readonly HidInfo[]> {
    return this.devices;
  }

  async open(): Promise<HidHandle> {
    this.opened += 1;
    this.handle = Object.assign(new EventEmitter(), { close: async () => undefined });
    return this.handle;
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
