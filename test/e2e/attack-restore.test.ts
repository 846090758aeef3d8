/** A broker that forgot: its database restored from an older copy, its escrow gone. Agents tell it what became of jobs. */
import { randomBytes } from "node:crypto";
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Fleet, type Sender } from "./fleet.ts";

let fleet: Fleet;
let alice: Sender;

beforeAll(async () => {
  fleet = await Fleet.start();
  await fleet.addAgent({ lobby: {} });
  alice = await fleet.addSender("alice");
  await fleet.startAgent("lobby");
});
afterAll(() => fleet.close());

async function sendHeld(name: string, body = randomBytes(20_000)) {
  const file = fleet.path(name);
  writeFileSync(file, body);
  const { jobs, otp } = await fleet.send(alice, "lobby", [file], { raw: true });
  const job = jobs[0]!.job;
  await fleet.follow(alice, job, "held");
  return { job, otp, body };
}

const databaseFiles = () => readdirSync(fleet.path("broker")).filter((name) => name.startsWith("broker.db"));

/** Takes a copy of the database while the broker stands still. */
async function backUp(): Promise<void> {
  await fleet.stop("broker");
  for (const name of databaseFiles()) cpSync(fleet.path("broker", name), fleet.path(`old-${name}`));
  await fleet.startBroker();
}

async function restore(): Promise<void> {
  await fleet.stop("broker");
  for (const name of databaseFiles()) rmSync(fleet.path("broker", name));
  for (const name of readdirSync(fleet.root)) {
    if (name.startsWith("old-")) cpSync(fleet.path(name), fleet.path("broker", name.slice(4)));
  }
  await fleet.startBroker();
}

test("what was printed since the copy was made is told again; nothing is offered or printed twice", async () => {
  const printed = await sendHeld("printed.bin");
  const withdrawn = await sendHeld("withdrawn.bin");
  await backUp();
  await fleet.type("lobby", `${printed.otp}\n`);
  await fleet.follow(alice, printed.job);
  await fleet.admin("jobs.cancel", { user: "alice", job: withdrawn.job });
  await fleet.follow(alice, withdrawn.job, "cancelled");
  const count = fleet.printed("lobby").length;
  await restore();
  expect(await fleet.follow(alice, printed.job, "delivered")).toMatchObject({ state: "delivered" });
  expect(await fleet.follow(alice, withdrawn.job, "cancelled")).toMatchObject({ state: "cancelled" });
  const entries = (await fleet.admin("audit", { user: "alice", limit: 100 })).entries;
  expect(entries.filter(({ state }) => state === "delivered")).toHaveLength(1);
  expect(fleet.printed("lobby")).toHaveLength(count);
});

/** The share of what was printed before is there too: it can be printed once more. */
test("without its escrow file it gets every share again: after a restart of the agent the document prints", async () => {
  const { job, otp, body } = await sendHeld("escrow.bin");
  await fleet.stop("broker");
  rmSync(fleet.path("broker", "escrow.slots"));
  await fleet.startBroker();
  await expect.poll(async () => (await fleet.admin("status", {})).counts.shares, { timeout: 20_000 }).toBe(2);
  await fleet.kill("lobby");
  await fleet.startAgent("lobby");
  await fleet.type("lobby", `${otp}\n`);
  expect(await fleet.follow(alice, job)).toMatchObject({ state: "delivered" });
  expect(fleet.printed("lobby").some((out) => out.equals(body))).toBe(true);
});

test("with escrow and agent lost at once, the sender is told that the document is", async () => {
  const { job } = await sendHeld("lost.bin");
  const kept = await sendHeld("kept.bin");
  await fleet.stop("broker");
  await fleet.kill("lobby");
  const file = fleet.path("broker", "escrow.slots");
  const slots = readFileSync(file);
  const at = slots.indexOf(job);
  slots.fill(0, at - 20, at);
  writeFileSync(file, slots);
  await fleet.startBroker();
  await fleet.startAgent("lobby");
  expect(await fleet.follow(alice, job, "rejected")).toMatchObject({ state: "rejected", reason: "lost" });
  // The agent let go of it too: what nobody can open is not kept until it expires.
  await fleet
    .program("lobby")
    .waitFor(
      (line) => line.event === "state" && line.job === job && line.state === "rejected",
      "rejected",
      10_000,
    );
  await fleet.type("lobby", `${kept.otp}\n`);
  expect(await fleet.follow(alice, kept.job)).toMatchObject({ state: "delivered" });
});
