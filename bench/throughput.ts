/**
 * 100 MB from `platen send` to the last byte at a `file:` printer, beside MQTT.js publisher and subscriber through
 * mosquitto: TLS on loopback, the same certificate, the same parts and window, no sealing, written to a file and synced.
 * Both sides are whole processes, from the sender's spawn on; runs alternate, the ratio is taken pair by pair. The OTP
 * is typed as soon as the job is held.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { closeSync, openSync, statSync, writeFileSync, writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { Fleet, type Sender } from "../test/e2e/fleet.ts";
import { PART_BYTES } from "../wire/limits.ts";
import { describeMachine, formatFigure, median } from "./machine.ts";

const RUNS = Number(process.argv[2] ?? 5);
const MEGABYTES = Number(process.argv[3] ?? 100);
const WINDOW = 16;

const fleet = await Fleet.start();
const file = fleet.path("document.bin");
const peerPort = fleet.port + 1;

function makeFile(): void {
  const fd = openSync(file, "w");
  for (let i = 0; i < MEGABYTES; i++) writeSync(fd, randomBytes(1_000_000));
  closeSync(fd);
}

async function startPeer(): Promise<ChildProcess> {
  const certificate = fleet.path("broker", "ca", "server.pem");
  const lines = [
    `listener ${peerPort} 127.0.0.1`,
    "allow_anonymous true",
    `certfile ${certificate}`,
    `keyfile ${certificate}`,
    "tls_version tlsv1.3",
    "set_tcp_nodelay true",
    "max_queued_messages 0",
    "max_inflight_messages 0",
    "user root",
  ];
  writeFileSync(fleet.path("mosquitto.conf"), `${lines.join("\n")}\n`);
  const peer = spawn("mosquitto", ["-c", fleet.path("mosquitto.conf")], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  for await (const line of createInterface({ input: peer.stderr as NodeJS.ReadableStream })) {
    if (line.includes("running")) break;
  }
  return peer;
}

async function runPeer(ca: string): Promise<number> {
  const out = fleet.path("peer.out");
  const topic = `bench/${randomBytes(4).toString("hex")}`;
  const run = (script: string, ...args: string[]) =>
    spawn(process.execPath, [new URL(script, import.meta.url).pathname, String(peerPort), ca, ...args], {
      stdio: ["ignore", "pipe", "inherit"],
    });
  const subscriber = run("mqtt-subscriber.ts", out, topic);
  const words = createInterface({ input: subscriber.stdout as NodeJS.ReadableStream })[
    Symbol.asyncIterator
  ]();
  await words.next();
  const begin = performance.now();
  const publisher = run("mqtt-publisher.ts", file, topic, String(PART_BYTES), String(WINDOW));
  const left = once(publisher, "exit");
  await words.next();
  const took = performance.now() - begin;
  await left;
  if (statSync(out).size !== statSync(file).size) throw new Error("the peer lost bytes");
  return took;
}

interface Ours {
  readonly held: number;
  readonly total: number;
}

async function runOurs(alice: Sender): Promise<Ours> {
  const main = new URL("../cli/platen.mjs", import.meta.url).pathname;
  const before = fleet.program("lobby").lines.length;
  const begin = performance.now();
  const sender = spawn(
    process.execPath,
    [main, "send", file, "--to", "lobby", "--raw", "--json", "--data", alice.dir],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  const said: string[] = [];
  sender.stdout?.on("data", (text) => said.push(String(text)));
  const left = once(sender, "close");
  const since = (event: string) =>
    fleet
      .program("lobby")
      .waitFor(
        (line) => line.event === event && fleet.program("lobby").lines.indexOf(line) >= before,
        event,
        60_000,
      );
  await Promise.all([left, since("held")]);
  const held = performance.now() - begin;
  const { otp } = JSON.parse(said.join("").trim().split("\n").at(-1) ?? "{}") as { otp: string };
  await fleet.type("lobby", `${otp}\n`);
  await since("last-byte");
  return { held, total: performance.now() - begin };
}

try {
  await fleet.addAgent({ lobby: {} });
  const alice = await fleet.addSender("alice");
  await fleet.startAgent("lobby");
  makeFile();
  const peer = await startPeer();
  const ca = fleet.path("ca.pem");
  writeFileSync(ca, alice.profile.ca);
  const [ours, theirs]: [Ours[], number[]] = [[], []];
  for (let run = 0; run <= RUNS; run++) {
    const pair = [await runOurs(alice), await runPeer(ca)] as const;
    if (run === 0) continue; // a warm-up
    ours.push(pair[0]);
    theirs.push(pair[1]);
  }
  peer.kill();
  console.log(describeMachine());
  console.log(
    `${MEGABYTES} MB, parts of ${PART_BYTES}, window ${WINDOW}, whole processes from the sender's spawn`,
  );
  console.log(
    `platen send to held:              ${formatFigure(
      ours.map(({ held }) => held),
      "ms",
      0,
    )}`,
  );
  console.log(
    `platen send to last byte printed: ${formatFigure(
      ours.map(({ total }) => total),
      "ms",
      0,
    )}`,
  );
  console.log(`mosquitto, no sealing, to file:   ${formatFigure(theirs, "ms", 0)}`);
  const ratios = ours.map(({ total }, i) => (theirs[i] ?? 0) / total);
  console.log(
    `rate beside the peer: ${median(ratios).toFixed(2)} (pair by pair: ${ratios.map((r) => r.toFixed(2)).join(", ")})`,
  );
  const heldRatios = ours.map(({ held }, i) => (theirs[i] ?? 0) / held);
  console.log(`rate up to held:      ${median(heldRatios).toFixed(2)}`);
} finally {
  await fleet.close();
}
