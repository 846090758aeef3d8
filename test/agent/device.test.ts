/** What each kind of device does beyond the contract: addresses, openings, ends. */
import { spawnSync } from "node:child_process";
import { scrypt } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { mkdir, readdir, readFile, rm, stat, symlink, unlink, writeFile } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, describe, expect, it, onTestFinished } from "vitest";
import type { Device } from "../../agent/device.ts";
import { openTcp, parseTcpAddress } from "../../agent/device-tcp.ts";
import { TransportDevice } from "../../agent/device-transport.ts";
import { parseDeviceUri } from "../../agent/device-uri.ts";
import { checkDeviceUri, openDevice } from "../../agent/open-device.ts";
import { failureOf } from "./device-contract.ts";
import { lacks, openPty } from "./pty.ts";

const folder = mkdtempSync(join(tmpdir(), "device-"));
afterAll(() => rm(folder, { recursive: true }));

async function open(uri: string): Promise<Device> {
  const device = await openDevice(uri);
  onTestFinished(() => device.close());
  return device;
}

async function print(uri: string, text: string): Promise<void> {
  const device = await open(uri);
  await device.write(Buffer.from(text));
  await device.drain();
  await device.close();
}

describe("URIs", () => {
  it.each([
    ["", "is no URI"],
    ["/dev/usb/lp0", "is no URI"],
    ["ipp:", "Known are file:, tcp:, lp:, serial:, usb:"],
    ["file:", "needs a path"],
    ["file://host/x", "needs a path"],
    ["file:/tmp/%zz", "begins no escape"],
    ["file:/tmp/a%00b", "control characters"],
    ["file:/tmp?mode=1", "unknown option mode"],
    ["tcp:", "needs a host"],
    ["tcp:host:0", "needs a host"],
    ["tcp:host:65536", "needs a host"],
    ["tcp:[192.0.2.1]", "needs a host"],
    ["tcp:a b", "needs a host"],
    ["tcp:host?drain=0", "whole seconds in drain"],
    ["tcp:host?drain=1&drain=2", "twice"],
    ["lp:usb/lp0", "absolute path"],
    ["serial:ttyUSB0", "absolute path"],
    ["serial:/dev/x?baud=9601", "baud=9601 is not one of 1200"],
    ["serial:/dev/x?flow=xoff", "not one of none, xonxoff, rtscts"],
    ["serial:/dev/x?speed=9600", "use baud, data, parity, stop, flow"],
    [`tcp:${"a".repeat(2000)}`, "longer than 1024"],
  ])("refuses %j and says why", (uri, why) => {
    expect(() => checkDeviceUri(uri)).toThrow(why);
    expect(() => checkDeviceUri(uri)).toThrow(expect.objectContaining({ code: "device-unusable" }));
  });

  it.each([
    "file:/tmp",
    "file:///tmp/with%20space",
    "file:out",
    "tcp:printer.example",
    "tcp://192.0.2.7:9101/",
    "tcp:[2001:db8::7]:9100?connect=3&drain=60",
    "lp:/dev/usb/lp0",
    "serial:/dev/ttyUSB0?baud=115200&data=7&parity=even&stop=2&flow=rtscts",
  ])("accepts %s", (uri) => {
    expect(() => checkDeviceUri(uri)).not.toThrow();
  });
});

describe("file:", () => {
  it("makes one private file per job in a folder", async () => {
    const target = join(folder, "jobs");
    await mkdir(target);
    await Promise.all([print(`file:${target}`, "one"), print(`file:${target}`, "two")]);
    const names = await readdir(target);
    expect(names).toHaveLength(2);
    const texts = await Promise.all(names.map((name) => readFile(join(target, name), "utf8")));
    expect(texts.sort()).toEqual(["one", "two"]);
    expect((await stat(join(target, names[0] ?? ""))).mode & 0o777).toBe(0o600);
  });

  it("leaves nothing behind where it was only asked, and touches no file that was there", async () => {
    const target = join(folder, "asked");
    await mkdir(target);
    const device = await open(`file:${target}`);
    expect(await readdir(target)).toHaveLength(1);
    await device.close();
    expect(await readdir(target)).toEqual([]);
    const moved = await open(`file:${target}/out.prn`);
    await unlink(join(target, "out.prn"));
    await writeFile(join(target, "out.prn"), "another's");
    await moved.close();
    await (await open(`file:${target}/out.prn`)).close();
    expect(await readFile(join(target, "out.prn"), "utf8")).toBe("another's");
  });

  it("appends to a file that exists", async () => {
    const target = join(folder, "log.prn");
    await writeFile(target, "before ");
    await print(`file:${target}`, "after");
    expect(await readFile(target, "utf8")).toBe("before after");
  });

  it("never follows a symbolic link", async () => {
    const victim = join(folder, "victim");
    await writeFile(victim, "precious");
    await symlink(victim, join(folder, "link"));
    await symlink(join(folder, "nowhere"), join(folder, "dangling"));
    for (const name of ["link", "dangling"]) {
      const failure = await failureOf(openDevice(`file:${join(folder, name)}`));
      expect(failure.message).toContain("symbolic link");
    }
    expect(await readFile(victim, "utf8")).toBe("precious");
  });

  it("refuses a device, a missing folder and a file as a folder", async () => {
    expect((await failureOf(openDevice("file:/dev/null"))).message).toContain("Use lp: or serial:");
    expect(await failureOf(openDevice(`file:${folder}/no/where`))).toMatchObject({
      code: "device-unusable",
      reason: "offline",
    });
    expect((await failureOf(openDevice(`file:${folder}/victim/x`))).message).toContain("not a directory");
  });

  const mounted = join(folder, "small");
  const cannotMount = (): boolean => {
    spawnSync("mkdir", ["-p", mounted]);
    return spawnSync("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", mounted]).status !== 0;
  };
  it.skipIf(cannotMount())("says that the disk is full, with what went through", async () => {
    onTestFinished(() => void spawnSync("umount", ["-l", mounted]));
    const device = await open(`file:${mounted}`);
    const failure = await failureOf(device.write(Buffer.alloc(1_000_000)));
    expect(failure).toMatchObject({ code: "device-failed", reason: "device" });
    expect(failure.message).toContain("disk is full");
    expect(failure.taken?.atLeast).toBeGreaterThan(65_536);
    expect(failure.taken?.atMost).toBeLessThanOrEqual(262_144 + 65_536);
    expect(device.bytesWritten).toBeLessThanOrEqual(262_144);
  });
});

describe("lp:", () => {
  it("writes to a character device", async () => {
    await print("lp:/dev/null", "gone");
  });

  it("reports a device that refuses", async () => {
    const device = await open("lp:/dev/full");
    const failure = await failureOf(device.write(Buffer.from("x")));
    expect(failure).toMatchObject({
      code: "device-failed",
      reason: "device",
      taken: { atLeast: 0, atMost: 1 },
    });
  });

  it("refuses a file and a device that is not there", async () => {
    await writeFile(join(folder, "plain"), "");
    expect((await failureOf(openDevice(`lp:${folder}/plain`))).message).toContain("no character device");
    expect((await failureOf(openDevice("lp:/dev/no-such-lp"))).reason).toBe("offline");
  });
});

describe("tcp:", () => {
  async function listen(onSocket: (socket: Socket) => void): Promise<{ server: Server; uri: string }> {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      onSocket(socket.on("error", () => undefined));
    }).listen(0, "127.0.0.1");
    onTestFinished(() => void server.close());
    await once(server, "listening");
    const address = server.address();
    return { server, uri: `tcp:127.0.0.1:${typeof address === "object" ? address?.port : 0}` };
  }

  it("drains only when the printer closed its half too", async () => {
    let accepted: Socket | undefined;
    const { uri } = await listen((socket) => {
      accepted = socket.resume();
    });
    const device = await open(uri);
    await device.write(Buffer.from("document"));
    let isDrained = false;
    const draining = device.drain().then(() => {
      isDrained = true;
    });
    while (accepted?.readableEnded !== true) await once(accepted as Socket, "end");
    expect(isDrained).toBe(false);
    accepted?.end();
    await draining;
  });

  it("gives up a printer that never confirms", async () => {
    const { uri } = await listen((socket) => void socket.resume());
    const address = parseTcpAddress(parseDeviceUri(uri));
    const device = new TransportDevice(uri, await openTcp({ ...address, drainMs: 20 }));
    onTestFinished(() => device.close());
    await device.write(Buffer.from("document"));
    const failure = await failureOf(device.drain());
    expect(failure).toMatchObject({
      code: "device-failed",
      reason: "stalled",
      taken: { atLeast: 0, atMost: 8 },
    });
  });

  it("trusts no printer that hangs up before the end", async () => {
    const { uri } = await listen((socket) => void socket.resume().end());
    const device = await open(uri);
    for await (const _ of device.read());
    const failure = await failureOf(device.write(Buffer.from("document")));
    expect(failure).toMatchObject({ code: "device-gone", reason: "cable" });
  });

  it("reports a port where nobody listens as offline", async () => {
    const { server, uri } = await listen(() => undefined);
    server.close();
    await once(server, "close");
    const failure = await failureOf(openDevice(uri));
    expect(failure).toMatchObject({ code: "device-unusable", reason: "offline" });
    expect(failure.message).toContain("nothing listens there");
  });

  it("stops connecting on abort", async () => {
    const giving = new AbortController();
    // 192.0.2.0/24 is for documentation: nobody answers, or the network says at once that nobody can.
    const opening = openDevice("tcp:192.0.2.1", { signal: giving.signal });
    giving.abort();
    expect((await failureOf(opening)).code).toBe("device-aborted");
  });
});

describe.skipIf(lacks("socat"))("stalled lines", () => {
  it("hold no thread of Node's pool", async () => {
    const kinds = ["lp", "lp", "lp", "serial", "serial", "serial"];
    const stalled = kinds.map(async (kind) => {
      const pty = await openPty();
      onTestFinished(() => pty.hangUp());
      pty.stall();
      const device = await open(`${kind}:${pty.path}`);
      void device.read()[Symbol.asyncIterator]().next();
      return { device, writing: failureOf(device.write(Buffer.alloc(1_000_000))) };
    });
    const lines = await Promise.all(stalled);
    // The pool has four threads; whatever holds them holds this up for ever.
    for (let round = 0; round < 8; round += 1) await promisify(scrypt)("otp", "salt", 32);
    for (const { device, writing } of lines) {
      expect(device.bytesWritten).toBeLessThan(1_000_000);
      await device.close();
      expect((await writing).code).toBe("device-aborted");
    }
  });
});

describe.skipIf(lacks("socat"))("serial:", () => {
  it("obeys the printer's XOFF and goes on at XON", async () => {
    const pty = await openPty();
    onTestFinished(() => pty.hangUp());
    const device = await open(`serial:${pty.path}?flow=xonxoff`);
    await device.write(Buffer.from("a"));
    await pty.until((taken) => taken.length === 1);
    pty.type("\x13?");
    // What follows XOFF on the line comes through after the kernel obeyed it.
    for await (const heard of device.read()) {
      expect(Buffer.from(heard).toString()).toBe("?");
      break;
    }
    const writing = device.write(Buffer.from("b"));
    expect(pty.taken.toString()).toBe("a");
    pty.type("\x11");
    await writing;
    await device.drain();
    expect((await pty.until((taken) => taken.length === 2)).toString()).toBe("ab");
  });

  it("is let go while the printer holds the line", async () => {
    const pty = await openPty();
    onTestFinished(() => pty.hangUp());
    const device = await open(`serial:${pty.path}?flow=xonxoff`);
    pty.type("\x13?");
    for await (const _ of device.read()) break;
    const writing = failureOf(device.write(Buffer.from("never")));
    await device.close();
    expect((await writing).code).toBe("device-aborted");
    expect(pty.taken).toHaveLength(0);
  });

  it("says which line is not there, and which is none", async () => {
    expect((await failureOf(openDevice("serial:/dev/no-such-tty"))).reason).toBe("offline");
    expect((await failureOf(openDevice(`serial:${folder}`))).message).toContain("no serial line");
  });
});
