/**
 * SIGKILL at any moment: agent and broker are killed at seeded random times while documents are sent, held and printed.
 * Afterwards every document that was `stored` is printed exactly once, or once more only because a person asked.
 * PLATEN_CRASH_ROUNDS makes it longer; PLATEN_CRASH_SEED runs a failure's schedule again.
 */
import { createHash, randomBytes } from "node:crypto";
import { readdirSync, writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import Database from "better-sqlite3";
import { afterAll, expect, test } from "vitest";
import type { Receipt } from "../../client/send.ts";
import { isPlatenError } from "../../wire/error.ts";
import { Fleet, NOTHING_KEPT, type Sender } from "./fleet.ts";

const ROUNDS = Number(process.env.PLATEN_CRASH_ROUNDS ?? 8);
const SEED = Number(process.env.PLATEN_CRASH_SEED ?? 20_261_120);
const BYTES = 4_000_000;
/** A kill between the charge and the verdict uses up a try, as it must; five are there, and one is kept. */
const ROUNDS_PER_FLEET = 4;
let fleet: Fleet;
let alice: Sender;

async function startFleet(): Promise<void> {
  fleet = await Fleet.start();
  await fleet.addAgent({ lobby: {} }, NOTHING_KEPT);
  alice = await fleet.addSender("alice");
  await fleet.startAgent("lobby");
}
afterAll(() => fleet.close());

/** A small seeded generator (mulberry32): the schedule must be the same again. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const digest = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

async function killSoon(name: string, afterMs: number): Promise<void> {
  await delay(afterMs);
  await fleet.kill(name);
  if (name === "broker") await fleet.startBroker();
  else await fleet.startAgent(name);
}

/** A first dial that meets no broker is told at once, and nothing was sent: a person would try again. */
async function sendAtLast(file: string): Promise<Receipt> {
  for (;;) {
    try {
      return await fleet.send(alice, "lobby", [file], { raw: true });
    } catch (error) {
      if (!isPlatenError(error, "broker-unreachable")) throw error;
      await delay(100);
    }
  }
}

/** The same OTP again, by a person who asks for it. */
async function printAgain(job: string, otp: string): Promise<void> {
  await fleet.program("lobby").waitFor(({ event }) => event === "ready", "ready", 20_000);
  await fleet.type("lobby", `${otp}\n`);
  expect((await fleet.follow(alice, job, "delivered")).state).toBe("delivered");
}

test(`${ROUNDS} rounds of SIGKILL, seed ${SEED}`, { timeout: 40_000 * ROUNDS }, async () => {
  const random = seeded(SEED);
  for (let round = 0; round < ROUNDS; round++) {
    if (round % ROUNDS_PER_FLEET === 0) {
      if (round > 0) await checkNothingIsLeft();
      await startFleet();
    }
    const victim = random() < 0.6 ? "lobby" : "broker";
    const [whileSending, whilePrinting] = [random() * 400, random() * 200];
    const body = randomBytes(BYTES);
    const file = fleet.path("document.bin");
    writeFileSync(file, body);
    const before = fleet.printed("lobby").length;
    const note = `round ${round}, ${victim} killed ${whileSending.toFixed()} ms after send and ${whilePrinting.toFixed()} ms after Enter`;

    const [receipt] = await Promise.all([sendAtLast(file), killSoon(victim, whileSending)]);
    const job = receipt.jobs[0]!.job;
    expect((await fleet.follow(alice, job, "held")).state, note).toBe("held");
    expect(fleet.printed("lobby").length, `${note}: nothing prints by itself`).toBe(before);

    await fleet.program("lobby").waitFor(({ event }) => event === "ready", "ready", 20_000);
    await Promise.all([fleet.type("lobby", `${receipt.otp}\n`), killSoon("lobby", whilePrinting)]);
    const afterCrash = fleet.printed("lobby").length - before;
    expect(afterCrash, `${note}: one entry, one printing`).toBeLessThanOrEqual(1);
    const status = await fleet.follow(alice, job, "held", "interrupted", "delivered");
    const entries = status.state === "delivered" ? 0 : 1;
    if (entries === 1) await printAgain(job, receipt.otp);
    const whole = fleet
      .printed("lobby")
      .slice(before)
      .filter((out) => digest(out) === digest(body)).length;
    expect(whole, `${note}: printed whole`).toBeGreaterThanOrEqual(1);
    expect(fleet.printed("lobby").length - before, `${note}: once per entry`).toBeLessThanOrEqual(
      1 + entries,
    );
  }
  await checkNothingIsLeft();
});

async function checkNothingIsLeft(): Promise<void> {
  await Promise.all([fleet.stop("lobby"), fleet.stop("broker")]);
  expect(readdirSync(fleet.path("lobby", "jobs", "spool"))).toEqual([]);
  for (const file of [fleet.path("lobby", "jobs", "jobs.db"), fleet.path("broker", "broker.db")]) {
    const database = new Database(file, { readonly: true });
    expect(database.pragma("integrity_check", { simple: true })).toBe("ok");
    database.close();
  }
  await fleet.close();
}
