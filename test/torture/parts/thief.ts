/**
 * The thief: given a card, everything the broker ever had or relayed, a capture of the network, what crashes leave, and
 * a card and a broker after the end. None of it holds a byte of a document, a name or an OTP, and with none of it can a
 * guess be tested.
 */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Part, Plan, Tally } from "../part.ts";
import { Crash, type CrashWay, crashWays, writesCores } from "../thief/crash.ts";
import { type Haul, Hunt } from "../thief/hunt.ts";
import { openIdentity, readBootShare, readCard, readEscrow } from "../thief/loot.ts";
import type { Place } from "../thief/needles.ts";
import { testGuessesAfterEnd, testGuessesOffline } from "../thief/offline.ts";
import { type Fate, ThiefWorld } from "../thief/world.ts";

const FULL_HELD = 50;
/** How many 32-byte pieces of a card are tried as one key. That the keys themselves lie nowhere on it, the search shows. */
const FULL_WINDOWS = 100_000;
/** What was printed lies open on the card for so long, and is gone before the end. */
const FULL_OPEN_S = 5;
const SHORT_WINDOWS = 5000;
const FATES: readonly Fate[] = ["printed", "cancelled", "interrupted", "expired"];
const SHORT_WAYS = ["abort", "asked"];

export const part: Part = {
  name: "thief",
  about: "a card, a broker, a capture, crashes and what is left at the end, searched and attacked",
  fullRounds: FULL_HELD,
  needs: [],
  run,
};

async function run(plan: Plan): Promise<Tally> {
  const folder = mkdtempSync(join(tmpdir(), "platen-thief-"));
  const isFull = plan.rounds >= FULL_HELD;
  const world = await ThiefWorld.open(folder, plan.random.fork(), isFull ? FULL_OPEN_S : 0);
  const capture = capturePackets(world.fleet.port, join(folder, "capture.pcap"));
  try {
    const windows = isFull ? FULL_WINDOWS : SHORT_WINDOWS;
    await sendAll(world, plan, isFull ? 3 : 1);
    plan.note("SIGKILL, then the card is taken");
    await world.killAgent();
    const [card, broker] = [world.copy("agent", "card"), world.copy("broker", "broker-now")];
    const bootShare = learn(world, card, broker);
    const known = world.docs;
    const offline = testGuessesOffline(card, bootShare, readEscrow(broker), known, windows);
    const ways = crashWays(join(folder, "plants")).filter(({ name }) => isFull || SHORT_WAYS.includes(name));
    const crashed = await crashAll(world, plan, ways);
    learn(world, card, world.copy("broker", "broker-later"));
    await endAll(world);
    const brokerEnd = world.copy("broker", "broker-end");
    world.copy("agent", "card-end");
    const after = testGuessesAfterEnd(card, brokerEnd, bootShare, known, windows);
    await stopCapture(capture);
    return {
      documents: world.docs.length,
      "keys tried on the card": offline.identity.tried + offline.records.tried,
      "keys tried after the end": after.tried,
      crashes: crashed,
      "packet capture": capture ? 1 : 0,
      ...searchAll(world),
    };
  } finally {
    await stopCapture(capture);
    await world.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function sendAll(world: ThiefWorld, { rounds, note }: Plan, each: number): Promise<void> {
  for (const fate of FATES) {
    for (let i = 0; i < each; i++) {
      const { user, job } = await world.send(fate);
      note(`${fate} ${user} ${job}`);
    }
  }
  for (let i = 0; i < rounds; i++) await world.send("held");
}

/** What the thief does not have and the harness does: from now on it is sought, too. */
function learn(world: ThiefWorld, card: string, broker: string): Buffer {
  const bootShare = readBootShare(broker);
  const identity = bootShare && openIdentity(readCard(card).sealed, bootShare);
  if (!bootShare || !identity) throw new Error("the harness cannot open the card itself");
  const brokers: readonly Place[] = ["broker", "relayed"];
  const pem = (name: string) =>
    /-----BEGIN [A-Z ]*PRIVATE KEY-----([^-]+)/.exec(readFileSync(join(broker, "ca", name), "utf8"))?.[1] ??
    "";
  world.addSecrets(
    { what: "age identity", value: identity.age, mayBe: [] },
    { what: "device secret", value: identity.secret, mayBe: [] },
    { what: "device salt", value: identity.salt, mayBe: [] },
    { what: "boot share", value: bootShare, mayBe: brokers },
    { what: "CA key", value: Buffer.from(pem("ca.key"), "base64"), mayBe: ["broker"] },
    { what: "server key", value: Buffer.from(pem("server.pem"), "base64"), mayBe: ["broker"] },
    ...readEscrow(broker).flatMap(({ share, tag }) => [
      { what: "share", value: share, mayBe: brokers },
      { what: "tag", value: tag, mayBe: brokers },
    ]),
  );
  return bootShare;
}

/** Each way once for the agent, with a document that has just come and half an OTP; the broker by fewer. */
async function crashAll(world: ThiefWorld, plan: Plan, ways: readonly CrashWay[]): Promise<number> {
  const folder = join(world.folder, "crashes");
  let crashes = 0;
  for (const way of ways) {
    if (way.undo && !writesCores()) continue;
    plan.note(`agent ${way.name}`);
    await crashAgent(world, folder, way);
    crashes++;
  }
  // Who starts that often is held up by the boot desk; a broker that begins anew has not counted yet.
  await world.fleet.stop("broker");
  await world.fleet.startBroker();
  await world.startAgent();
  await world.fleet.stop("broker");
  // The same launcher begins both: of a few ways the last will do for the broker.
  const mere = ways.filter(({ isControl }) => !isControl);
  for (const way of ways.length > SHORT_WAYS.length ? mere : mere.slice(-1)) {
    plan.note(`broker ${way.name}`);
    await crashBroker(world, folder, way);
    crashes++;
  }
  await world.fleet.startBroker();
  return crashes;
}

async function crashBroker(world: ThiefWorld, folder: string, way: CrashWay): Promise<void> {
  const crash = new Crash(folder, way, wordsFor(world, "broker"));
  try {
    await crash.ready();
    crash.checkLimits();
    // Until the agent is back and put its shares again.
    await delay(1500);
    judge(await crash.crash(), crash.folder);
  } finally {
    await crash.stop();
  }
}

async function crashAgent(world: ThiefWorld, folder: string, way: CrashWay): Promise<void> {
  // Of what a control leaves it is known that it is there: it lies apart.
  const crash = new Crash(
    way.isControl ? join(world.folder, "controls") : folder,
    way,
    wordsFor(world, "agent"),
  );
  try {
    await crash.ready();
    if (!way.undo) crash.checkLimits();
    const { otp } = await world.send("held");
    await world.type(otp.slice(0, 7));
    await delay(200);
    const left = await crash.crash();
    if (!way.isControl) return judge(left, crash.folder);
    const files = left.filter((name) => /^core|heapsnapshot$/.test(name));
    const hunt = new Hunt(world.needlesFor("crash"));
    const found = new Set(files.flatMap((name) => hunt.searchPlain(readFileSync(join(crash.folder, name)))));
    if (found.size === 0) throw new Error(`control ${way.name}: nothing was found in ${files}`);
  } finally {
    await crash.stop();
  }
}

function judge(left: readonly string[], folder: string): void {
  const bad = left.filter((name) => /core|report|snapshot|profile/.test(name));
  if (bad.length > 0) throw new Error(`a crash left ${bad} in ${folder}`);
}

function wordsFor(world: ThiefWorld, program: "agent" | "broker"): string[] {
  const dir = program === "agent" ? world.agentDir : world.brokerDir;
  return [program, "--data", dir, "--config", `${dir}.toml`];
}

async function endAll(world: ThiefWorld): Promise<void> {
  await world.fleet.program("lobby").waitFor(({ event }) => event === "ready", "ready", 30_000);
  await world.endAll();
  await world.settled();
  await world.fleet.stop("lobby");
  await world.fleet.stop("broker");
  world.stopSampling();
}

/** @throws Error with everything that was found where it must not be */
function searchAll(world: ThiefWorld): Tally {
  const at = (...names: string[]) => names.map((name) => join(world.folder, name));
  const hauls: [Place, readonly string[]][] = [
    ["card", at("card", "card-over-time", "card-end")],
    ["broker", at("broker-now", "broker-later", "broker-over-time", "broker-end")],
    ["relayed", at("relayed")],
    ["capture", at("capture", "capture.pcap")],
    ["crash", [...at("crashes"), world.fleet.path("logs")]],
  ];
  const tally: Record<string, number> = {};
  const found: string[] = [];
  for (const [place, folders] of hauls) {
    const haul = new Hunt(world.needlesFor(place)).searchFolders(folders);
    report(place, haul, tally, found);
  }
  // What the broker may hold of a job while it waits is gone with the job.
  const ended = world.needlesFor("card").filter(({ what }) => what === "share" || what === "tag");
  report("broker after the end", new Hunt(ended).searchFolders(at("broker-end")), tally, found);
  if (found.length > 0) throw new Error(`found: ${[...new Set(found)].slice(0, 20).join("; ")}`);
  return tally;
}

function report(place: string, haul: Haul, tally: Record<string, number>, found: string[]): void {
  if (haul.bytes === 0) throw new Error(`nothing was there to be searched: ${place}`);
  tally[`${place}: files`] = haul.files;
  tally[`${place}: KiB`] = Math.ceil(haul.bytes / 1024);
  tally[`${place}: opened`] = haul.opened;
  found.push(...haul.traces.map(({ file, what, how }) => `${place}: ${what} (${how}) in ${file}`));
}

/** tcpdump on the loopback device beside the recording wire, where it may; null where not. */
function capturePackets(port: number, file: string) {
  if (process.getuid?.() !== 0 || spawnSync("sh", ["-c", "command -v tcpdump"]).status !== 0) return null;
  return spawn("tcpdump", ["-i", "lo", "-U", "-w", file, `tcp port ${port}`], { stdio: "ignore" });
}

async function stopCapture(capture: ReturnType<typeof capturePackets>): Promise<void> {
  if (!capture || capture.exitCode !== null || capture.signalCode !== null) return;
  const gone = new Promise((resolve) => capture.once("exit", resolve));
  capture.kill("SIGINT");
  await gone;
}
