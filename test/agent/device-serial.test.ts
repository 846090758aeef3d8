/** Serial lines beyond the contract: flow control, a line kept full, bytes that come damaged. */
import { execFile } from "node:child_process";
import { setImmediate as turn } from "node:timers/promises";
import { promisify } from "node:util";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Device } from "../../agent/device.ts";
import { openSerial, parseSerialAddress } from "../../agent/device-serial.ts";
import { AHEAD_BYTES, type ReadDsr } from "../../agent/device-serial-pace.ts";
import { TransportDevice } from "../../agent/device-transport.ts";
import { parseDeviceUri } from "../../agent/device-uri.ts";
import { openDevice } from "../../agent/open-device.ts";
import { failureOf, holds } from "./device-contract.ts";
import { lacks, openPty, type Pty } from "./pty.ts";
import { openSerialPrinter, type SerialPrinter } from "./serial-printer.ts";

const XON = 0x11;
const XOFF = 0x13;
const EVERY_BYTE = Uint8Array.from({ length: 256 }, (_, byte) => byte);

async function openLine(): Promise<Pty> {
  const pty = await openPty();
  onTestFinished(() => pty.hangUp());
  return pty;
}

async function openPrinter(): Promise<SerialPrinter> {
  const printer = await openSerialPrinter();
  onTestFinished(() => printer.hangUp());
  return printer;
}

async function open(uri: string, readDsr?: ReadDsr): Promise<Device> {
  const address = parseSerialAddress(parseDeviceUri(uri));
  const device = new TransportDevice(uri, await openSerial(address, undefined, readDsr));
  onTestFinished(() => device.close());
  return device;
}

/** The line's settings in `stty`'s words, once the line marks what is damaged. */
async function settingsOf(path: string): Promise<string[]> {
  for (;;) {
    const { stdout } = await promisify(execFile)("stty", ["-F", path, "-a"]);
    const words = stdout.split(/[\s;]+/);
    if (words.includes("parmrk")) return words;
  }
}

async function hear(device: Device, size: number): Promise<Buffer> {
  const heard: Uint8Array[] = [];
  let left = size;
  for await (const bytes of device.read()) {
    heard.push(bytes);
    left -= bytes.length;
    if (left <= 0) break;
  }
  return Buffer.concat(heard);
}

describe.skipIf(lacks("socat"))("the settings of a line", () => {
  it.each([
    ["none", ["-ixon", "-ixoff", "-crtscts"]],
    ["xonxoff", ["ixon", "-ixoff", "-crtscts"]],
    ["rtscts", ["-ixon", "-ixoff", "crtscts"]],
    ["dtrdsr", ["-ixon", "-ixoff", "-crtscts"]],
  ])("flow=%s never lets the kernel put an XOFF into a document", async (flow, words) => {
    const { path } = await openLine();
    await open(`serial:${path}?flow=${flow}`, async () => true);
    const settings = await settingsOf(path);
    expect(settings).toEqual(expect.arrayContaining([...words, "-ixany", "-icanon", "-opost", "-isig"]));
    expect(settings.join(" ")).toContain("start = ^Q stop = ^S");
  });

  it("mark damaged bytes and breaks, and take them out of no byte that was said", async () => {
    const pty = await openLine();
    const device = await open(`serial:${pty.path}`);
    expect(await settingsOf(pty.path)).toEqual(
      expect.arrayContaining(["parmrk", "inpck", "-ignpar", "-ignbrk", "-brkint", "-istrip"]),
    );
    const all = Buffer.concat([EVERY_BYTE, Uint8Array.of(0xff, 0xff, 0, 0), EVERY_BYTE]);
    pty.type(all);
    expect((await hear(device, all.length)).equals(all)).toBe(true);
    expect(device.lineErrors).toEqual({ damagedBytes: 0, breaks: 0 });
  });

  it("take XON and XOFF out of what the printer says only where they are flow control", async () => {
    const pty = await openLine();
    const device = await open(`serial:${pty.path}?flow=xonxoff`);
    await settingsOf(pty.path);
    pty.type(Uint8Array.of(0x16, XOFF, 0x12, XON, 0x00, XOFF, XON, 0x14));
    expect([...(await hear(device, 4))]).toEqual([0x16, 0x12, 0x00, 0x14]);
  });
});

describe.skipIf(lacks("python3"))("a line", () => {
  it("has the next pieces waiting before the one before is through", async () => {
    const printer = await openPrinter();
    const device = await open(`serial:${printer.path}?baud=115200`);
    const document = [Buffer.alloc(30_000), Buffer.alloc(1), Buffer.alloc(30_000)];
    const size = 60_001;
    const writing = (async () => {
      for (const bytes of document) await device.write(bytes);
    })();
    for (let taken = 0; taken < size; ) {
      // Two pieces ahead, while the printer takes nothing: the line cannot run dry between them.
      while (device.bytesWritten < Math.min(size, taken + 2048)) await turn();
      taken += await printer.take(Math.min(512, size - taken));
    }
    await writing;
    await device.drain();
    expect(await printer.empty()).toBe(0);
  });

  it("sends not a byte more after XOFF, though there is room, and goes on at XON", async () => {
    const printer = await openPrinter();
    const device = await open(`serial:${printer.path}?baud=115200&flow=xonxoff`);
    const writing = device.write(Buffer.alloc(200_000));
    await holds(device);
    printer.say(Uint8Array.of(XOFF, 0x3f));
    // What follows XOFF on the line comes through after the kernel obeyed it.
    expect((await hear(device, 1)).toString()).toBe("?");
    const written = device.bytesWritten;
    const held = await printer.empty();
    await holds(device);
    expect(device.bytesWritten).toBe(written);
    // The piece that was cut short when the line filled up was on it before.
    expect(held - written).toBeLessThan(1024);
    expect(await printer.empty()).toBe(0);
    printer.say(Uint8Array.of(XON));
    await printer.take(200_000 - held);
    await writing;
    await device.drain();
  });

  it("that is quiet sends nothing at all after XOFF", async () => {
    const printer = await openPrinter();
    const device = await open(`serial:${printer.path}?flow=xonxoff`);
    await device.write(Buffer.alloc(1000));
    await printer.take(1000);
    printer.say(Uint8Array.of(XOFF, 0x3f));
    await hear(device, 1);
    const writing = device.write(Buffer.alloc(3000));
    await holds(device);
    expect(await printer.empty()).toBe(0);
    printer.say(Uint8Array.of(XON));
    await printer.take(3000);
    await writing;
  });
});

describe.skipIf(lacks("socat"))("flow=dtrdsr", () => {
  it("sends only while DSR is on, and little after it went off", async () => {
    const pty = await openLine();
    let asked = 0;
    let isOver = false;
    const device = await open(`serial:${pty.path}?baud=921600&flow=dtrdsr`, async () => {
      asked += 1;
      return asked <= 10 || isOver;
    });
    const writing = device.write(Buffer.alloc(5000));
    while (asked < 15) await turn();
    expect(pty.taken.length).toBeLessThanOrEqual(10 * AHEAD_BYTES);
    isOver = true;
    await writing;
    await device.drain();
    await pty.until((taken) => taken.length === 5000);
  });

  it("is let go while DSR is off", async () => {
    const pty = await openLine();
    const device = await open(`serial:${pty.path}?flow=dtrdsr`, async () => false);
    const writing = failureOf(device.write(Buffer.alloc(100)));
    await device.close();
    expect((await writing).code).toBe("device-aborted");
    expect(pty.taken).toHaveLength(0);
  });

  it("says whether the printer takes bytes, before a document only", async () => {
    const pty = await openLine();
    let isOn = false;
    const device = await open(`serial:${pty.path}?baud=921600&flow=dtrdsr`, async () => isOn);
    expect(await device.status(1)).toEqual({ ready: "no", reason: "offline", source: "dsr" });
    isOn = true;
    expect(await device.status(1)).toEqual({ ready: "yes", reason: null, source: "dsr" });
    await device.write(Buffer.alloc(10));
    isOn = false;
    expect((await device.status(1)).ready).toBe("unknown");
  });

  it("tells a line that vanished, and one that has no DSR", async () => {
    const pty = await openLine();
    let asked = 0;
    const device = await open(`serial:${pty.path}?flow=dtrdsr`, async () => {
      asked += 1;
      if (asked > 3) throw new Error("No such device, cannot get");
      return true;
    });
    expect(await failureOf(device.write(Buffer.alloc(5000)))).toMatchObject({
      code: "device-gone",
      reason: "cable",
    });
    const failure = await failureOf(openDevice(`serial:${(await openLine()).path}?flow=dtrdsr`));
    expect(failure).toMatchObject({ code: "device-unusable", reason: "device" });
    expect(failure.message).toContain("no DSR to ask");
  });
});
