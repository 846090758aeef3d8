/**
 * How full a serial line is kept: a terminal whose other side takes exactly the line's bytes a second, and says how
 * long no byte was there to be sent. The whole way of the bytes is the agent's own, from `openDevice` on. First the wait
 * from the opening to the first byte.
 */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Device } from "../agent/device.ts";
import { openSerial, parseSerialAddress } from "../agent/device-serial.ts";
import { TransportDevice } from "../agent/device-transport.ts";
import { parseDeviceUri } from "../agent/device-uri.ts";
import { describeMachine, formatFigure } from "./machine.ts";

const RATES = [9600, 19_200, 38_400, 57_600, 115_200];
const SECONDS = Number(process.argv[2] ?? 6);
/** What the agent's worker hands over at a time. */
const CHUNK_BYTES = 65_536;

interface Trial {
  readonly tookS: number;
  readonly idleS: number;
  readonly longestS: number;
  readonly openedMs: number;
}

async function openPaced(rate: number, size: number) {
  const script = new URL("../test/agent/serial-printer.py", import.meta.url).pathname;
  const child = spawn("python3", [script, String(rate), String(size)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    child,
    path: String((await lines.next()).value),
    result: async () => String((await lines.next()).value),
  };
}

async function open(path: string, baud: number, flow: string): Promise<Device> {
  const uri = `serial:${path}?baud=${baud}&flow=${flow}`;
  // A terminal has no DSR: this printer always takes bytes.
  const transport = await openSerial(parseSerialAddress(parseDeviceUri(uri)), undefined, async () => true);
  return new TransportDevice(uri, transport);
}

async function run(baud: number, flow: string): Promise<Trial> {
  const rate = baud / 10;
  const size = Math.round(rate * SECONDS);
  const line = await openPaced(rate, size);
  const begin = performance.now();
  const device = await open(line.path, baud, flow);
  const openedMs = performance.now() - begin;
  const document = randomBytes(size);
  for (let at = 0; at < size; at += CHUNK_BYTES) await device.write(document.subarray(at, at + CHUNK_BYTES));
  await device.drain();
  const [tookS = 0, idleS = 0, longestS = 0] = (await line.result()).split(" ").map(Number);
  await device.close();
  line.child.stdin.end();
  await once(line.child, "exit");
  return { tookS, idleS, longestS, openedMs };
}

console.log(describeMachine());
console.log(
  `${SECONDS} s of bytes at each rate, 8N1, on a pseudo-terminal that takes baud / 10 bytes a second`,
);
const opened: number[] = [];
for (const flow of ["xonxoff", "dtrdsr"]) {
  console.log(
    `flow=${flow}\n| baud | of the line's rate | idle in all | longest gap |\n| --: | --: | --: | --: |`,
  );
  for (const baud of RATES) {
    const { tookS, idleS, longestS, openedMs } = await run(baud, flow);
    opened.push(openedMs);
    const share = ((SECONDS / tookS) * 100).toFixed(2);
    console.log(
      `| ${baud} | ${share} % | ${(idleS * 1000).toFixed(1)} ms | ${(longestS * 1000).toFixed(1)} ms |`,
    );
  }
}
console.log(`from openDevice to a line that takes bytes: ${formatFigure(opened, "ms")}`);
