import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, unlink } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDevice } from "../../agent/open-device.ts";
import { describeDevice, type Rig } from "./device-contract.ts";
import { FakePrinter } from "./fake-device.ts";
import { lacks, openPty } from "./pty.ts";

const noSocat = lacks("socat");

describeDevice("fake printer", { stalls: true, speaks: true, vanishes: true }, async () => {
  const printer = new FakePrinter([{ kind: "short", times: 3 }, { kind: "delay" }]);
  return {
    device: await printer.open(),
    received: async () => printer.received,
    say: (bytes) => printer.say(bytes),
    stall: () => printer.inject({ kind: "stall", afterBytes: 20_000 }),
    resume: () => printer.resume(),
    vanish: () => printer.unplug(),
    dispose: () => undefined,
  };
});

describeDevice("file: into a folder", { stalls: false, speaks: false, vanishes: true }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "device-"));
  const device = await openDevice(`file:${folder}`);
  const output = async (): Promise<string> => join(folder, (await readdir(folder))[0] ?? "");
  return {
    device,
    received: async () => await readFile(await output()),
    vanish: async () => await unlink(await output()),
    dispose: () => rm(folder, { recursive: true }),
  };
});

describeDevice("file: a file", { stalls: false, speaks: false, vanishes: true }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "device-"));
  const path = join(folder, "out.prn");
  return {
    device: await openDevice(`file://${path}`),
    received: () => readFile(path),
    vanish: () => unlink(path),
    dispose: () => rm(folder, { recursive: true }),
  };
});

describeDevice("tcp:", { stalls: true, speaks: true, vanishes: true }, openTcpRig);

async function openTcpRig(): Promise<Rig> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  const connected: Promise<Socket[]> = once(server, "connection");
  const device = await openDevice(`tcp:127.0.0.1:${port}`);
  const [socket] = (await connected) as [Socket];
  const chunks: Buffer[] = [];
  socket.on("error", () => undefined);
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  const ended = once(socket, "close");
  return {
    device,
    received: async () => {
      await ended;
      return Buffer.concat(chunks);
    },
    say: (bytes) => void socket.write(bytes),
    stall: () => void socket.pause(),
    resume: () => void socket.resume(),
    vanish: async () => {
      socket.resetAndDestroy();
      await ended;
    },
    dispose: () => {
      socket.destroy();
      server.close();
    },
  };
}

const onPty = { skip: noSocat, stalls: true, speaks: true, vanishes: true };
describeDevice("lp: on a terminal", onPty, () => openPtyRig((path) => `lp:${path}`));
describeDevice("serial: on a terminal", onPty, () => openPtyRig((path) => `serial:${path}?baud=115200`));

async function openPtyRig(uriOf: (path: string) => string): Promise<Rig> {
  const pty = await openPty();
  return {
    device: await openDevice(uriOf(pty.path)),
    received: (sizeBytes) => pty.until((taken) => taken.length >= sizeBytes),
    say: (bytes) => pty.type(bytes),
    stall: () => pty.stall(),
    resume: () => pty.resume(),
    vanish: () => pty.hangUp(),
    dispose: () => pty.hangUp(),
  };
}
