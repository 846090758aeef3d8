/** Files of a data directory cut, flipped, emptied or gone: a program says so and ends, or goes on without harm. */
import { randomBytes } from "node:crypto";
import { cpSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Child } from "../../cli/demo/child.ts";
import { Fleet, NOTHING_KEPT } from "./fleet.ts";

let fleet: Fleet;
let otp: string;
let document: Buffer;
let starts = 0;

beforeAll(async () => {
  fleet = await Fleet.start();
  await fleet.addAgent({ lobby: {} }, NOTHING_KEPT);
  const alice = await fleet.addSender("alice");
  await fleet.startAgent("lobby");
  document = randomBytes(30_000);
  writeFileSync(fleet.path("document.bin"), document);
  const receipt = await fleet.send(alice, "lobby", [fleet.path("document.bin")], { raw: true });
  otp = receipt.otp;
  await fleet.follow(alice, receipt.jobs[0]!.job, "held");
  await fleet.stop("lobby");
  await fleet.stop("broker");
  for (const dir of ["lobby", "broker"])
    cpSync(fleet.path(dir), fleet.path(`${dir}.good`), { recursive: true });
});
afterAll(() => fleet.close());

function heal(): void {
  for (const dir of ["lobby", "broker"]) {
    rmSync(fleet.path(dir), { recursive: true });
    cpSync(fleet.path(`${dir}.good`), fleet.path(dir), { recursive: true });
  }
}

const cut = (file: string) => truncateSync(file, Math.floor(statSync(file).size / 2));
const empty = (file: string) => truncateSync(file, 0);
const lose = (file: string) => rmSync(file);
const flip = (file: string) => {
  const bytes = readFileSync(file);
  const at = Math.floor(bytes.length / 2);
  bytes[at] = (bytes[at] ?? 0) ^ 0x55;
  writeFileSync(file, bytes);
};

/** Runs a program of the fleet to its own end; what it said to people. */
async function runToEnd(program: "agent" | "broker", dir: string): Promise<string> {
  const log = fleet.path("logs", `damaged-${starts++}.log`);
  const args = [program, "--data", fleet.path(dir), "--config", fleet.path(`${dir}.toml`)];
  const child = new Child(dir, args, log, false);
  const timer = setTimeout(() => child.kill(), 15_000);
  await child.exited;
  clearTimeout(timer);
  await child.stop();
  const said = readFileSync(log, "utf8").split("\n");
  return said.filter((line) => !line.startsWith("{")).join(" ");
}

test.each([
  ["certificate.pem", cut],
  ["certificate.pem", empty],
  ["tls-key.pem", flip],
  ["tls-key.pem", empty],
  ["ca.pem", empty],
  ["ca.pem", cut],
  ["identity.sealed", flip],
])("an agent's %s %o: it says so and ends", async (file, damage) => {
  heal();
  damage(fleet.path("lobby", file));
  if (file === "identity.sealed") await fleet.startBroker();
  expect(await runToEnd("agent", "lobby")).toContain("identity does not open");
  if (file === "identity.sealed") await fleet.stop("broker");
});

test("an agent's database cut short: it says so and ends, and nothing is reset", async () => {
  heal();
  cut(fleet.path("lobby", "jobs", "jobs.db"));
  const before = readFileSync(fleet.path("lobby", "jobs", "jobs.db"));
  await fleet.startBroker();
  expect(await runToEnd("agent", "lobby")).toContain("is damaged");
  expect(readFileSync(fleet.path("lobby", "jobs", "jobs.db")).equals(before)).toBe(true);
  await fleet.stop("broker");
});

test.each([lose, empty, cut])(
  "a broker's database, %o: no new one takes its place, and no share is dropped",
  async (damage) => {
    heal();
    const shares = readFileSync(fleet.path("broker", "escrow.slots"));
    damage(fleet.path("broker", "broker.db"));
    expect(await runToEnd("broker", "broker")).toMatch(/broker\.db is damaged .* from a backup/);
    expect(readFileSync(fleet.path("broker", "escrow.slots")).equals(shares)).toBe(true);
  },
);

test("boot shares lost: the broker warns of every agent that will not open again", async () => {
  heal();
  lose(fleet.path("broker", "boot-shares.slots"));
  const broker = await fleet.startBroker();
  const told = broker.lines.filter(({ event }) => event === "warning");
  expect(told).toMatchObject([{ kind: "boot-share-lost", subject: "lobby" }]);
  await fleet.stop("broker");
});

test("escrow and boot shares whole, a flipped bit in the escrow: that share is missing, nothing else", async () => {
  heal();
  const file = fleet.path("broker", "escrow.slots");
  const bytes = readFileSync(file);
  bytes[40] = (bytes[40] ?? 0) ^ 1;
  writeFileSync(file, bytes);
  await fleet.startBroker();
  await fleet.startAgent("lobby");
  await fleet.type("lobby", `${otp}\n`);
  const refused = ({ event, verdict }: { event?: string; verdict?: unknown }) =>
    event === "entry-refused" && verdict === "not-accepted";
  await fleet.program("lobby").waitFor(refused, "refused", 10_000);
  expect(fleet.printed("lobby")).toEqual([]);
  for (const name of ["lobby", "broker"]) await fleet.stop(name);
});

test("all healed, it prints", async () => {
  heal();
  await fleet.startBroker();
  await fleet.startAgent("lobby");
  await fleet.type("lobby", `${otp}\n`);
  await fleet.program("lobby").waitFor(({ event }) => event === "destroyed", "destroyed", 10_000);
  expect(fleet.printed("lobby").map((out) => out.equals(document))).toEqual([true]);
});
