/**
 * The keeper killed with -9 at any moment of arriving, waiting, printing: what was held stays held, nothing prints
 * without an entry, `delivered` is said only of what came out whole, and in the end everything comes out.
 * CRASH_ROUNDS makes it longer.
 */
import { type ChildProcess, fork } from "node:child_process";
import { randomBytes, randomInt } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { EscrowShare, Ticket } from "../../wire/agent-call.ts";
import { drawOtp } from "../../wire/otp.ts";
import { type KeyPair, makeKeyPair, sealJob } from "../agent/sealing.ts";
import type { ChildSetup, FromChild, ToChild } from "./keeper-child.ts";

const ROUNDS = Number(process.env.CRASH_ROUNDS ?? 15);
const JOBS = 6;
const MOMENTS = ["arriving", "held", "printing", "releasing", "delivered", "printing"];

interface Sent {
  readonly otp: string;
  readonly document: Buffer;
  readonly sealed: string;
  readonly ticket: Ticket;
  entries: number;
  state: string;
}

const dir = mkdtempSync(join(tmpdir(), "keeper-crash-"));
const out = join(dir, "out");
const shares = new Map<string, EscrowShare>();
const sent = new Map<string, Sent>();
let keys: KeyPair;
let setup: ChildSetup;
let child: ChildProcess | null = null;
let waiters: ((message: FromChild) => void)[] = [];

beforeAll(async () => {
  mkdirSync(out);
  keys = await makeKeyPair();
  const secret = (bytes: number): string => randomBytes(bytes).toString("base64");
  setup = {
    dir: join(dir, "agent"),
    out,
    identity: keys.identity,
    deviceSecret: secret(32),
    deviceSalt: secret(16),
  };
  for (let i = 0; i < JOBS; i++) await addJob(`job-${String(i).padStart(8, "0")}`);
});
afterAll(() => {
  child?.kill("SIGKILL");
  rmSync(dir, { recursive: true });
});

async function addJob(job: string): Promise<Sent> {
  const document = randomBytes(randomInt(100, 3_000_000));
  const otp = drawOtp(8);
  const sealed = await sealJob(keys.recipient, { otp }, document);
  const ticket: Ticket = {
    user: "alice",
    job,
    target: "lobby",
    printers: ["lobby"],
    want: "take",
    reason: null,
    parts: 1,
    bytes: sealed.length,
    expires: null,
    otp: 8,
    group: false,
  };
  const fresh = { otp, document, sealed: sealed.toString("base64"), ticket, entries: 0, state: "none" };
  sent.set(job, fresh);
  return fresh;
}

function answer(message: Extract<FromChild, { kind: "call" }>): unknown {
  if (message.name === "put") {
    const share = message.body as EscrowShare;
    shares.set(share.job + share.attempt, share);
    return "stored";
  }
  const asks = message.body as { job: string; attempt: string; tag: string }[];
  return asks.map(({ job, attempt, tag }) => {
    const share = shares.get(job + attempt);
    return share?.tag === tag ? share.share : null;
  });
}

function hear(message: FromChild): void {
  if (message.kind === "call") send({ op: "answer", id: message.id, result: answer(message) });
  if (message.kind === "event") {
    const job = sent.get(message.job);
    if (job) job.state = message.state;
  }
  for (const waiter of [...waiters]) waiter(message);
}

function send(message: ToChild): void {
  if (child?.connected) child.send(message, () => undefined);
}

/** The next message that `accept`s; null when the process died before. */
function heard<K extends FromChild["kind"]>(
  kind: K,
  accept: (message: Extract<FromChild, { kind: K }>) => boolean = () => true,
) {
  return new Promise<Extract<FromChild, { kind: K }> | null>((resolve) => {
    const settle = (message: Extract<FromChild, { kind: K }> | null): void => {
      waiters = waiters.filter((one) => one !== waiter);
      resolve(message);
    };
    const waiter = (message: FromChild): void => {
      if (message.kind === kind && accept(message as Extract<FromChild, { kind: K }>))
        settle(message as Extract<FromChild, { kind: K }>);
    };
    waiters.push(waiter);
    child?.once("exit", () => settle(null));
  });
}

async function start(): Promise<Extract<FromChild, { kind: "ready" }>> {
  child = fork(new URL("keeper-child.ts", import.meta.url), [JSON.stringify(setup)], {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  child.setMaxListeners(100);
  child.on("message", (message) => hear(message as FromChild));
  const ready = await heard("ready");
  if (!ready) throw new Error("the keeper died at its start");
  return ready;
}

async function kill(): Promise<void> {
  waiters = [];
  const dead = child;
  if (!dead) return;
  const exit = new Promise((resolve) => dead.once("exit", resolve));
  dead.kill("SIGKILL");
  await exit;
}

const isNew = ({ state }: Sent): boolean => state === "none";
const waits = ({ state }: Sent): boolean => state === "held" || state === "interrupted";

/** One step of somebody's life with the printer. Does not wait: the kill may come at any instant of it. */
function act(one: Sent): void {
  if (isNew(one)) {
    send({ op: "submit", ticket: one.ticket, sealed: one.sealed });
  } else if (waits(one)) {
    one.entries += 1;
    send({ op: "enter", otp: one.otp });
  }
}

/** A job that can come to `moment` next. */
async function actor(moment: string): Promise<Sent> {
  const arrives = moment === "arriving" || moment === "held";
  const fitting = [...sent.values()].find(arrives ? isNew : waits);
  if (fitting) return fitting;
  const job = `job-x${String(sent.size).padStart(7, "0")}`;
  const fresh = [...sent.values()].find(isNew) ?? (await addJob(job));
  if (arrives) return fresh;
  const done = heard("done", ({ op }) => op === "submit");
  act(fresh);
  await done;
  return fresh;
}

const outputs = (): Buffer[] => readdirSync(out).map((name) => readFileSync(join(out, name)));

function checkOutputs(): void {
  const files = outputs().filter((file) => file.length > 0);
  let known = 0;
  for (const [job, { document, entries, state }] of sent) {
    const copies = files.filter((file) => document.subarray(0, file.length).equals(file));
    const whole = copies.filter((file) => file.length === document.length);
    known += copies.length;
    expect(copies.length, `${job} came out without an entry`).toBeLessThanOrEqual(entries);
    if (state === "delivered") expect(whole.length, `${job} is called delivered`).toBeGreaterThan(0);
  }
  expect(known, "every output is the beginning of a document").toBe(files.length);
}

test("killed at any moment, nothing is lost and nothing prints by itself", {
  timeout: 60_000 + ROUNDS * 3000,
}, async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const before = outputs().length;
    const { jobs } = await start();
    expect(outputs().length, "a start prints nothing").toBe(before);
    checkOutputs();
    const there = new Map(jobs.map((row) => [row.job, row]));
    for (const [job, one] of sent) {
      const row = there.get(job);
      const neverHeld = one.state === "none" || one.state === "arriving";
      if (!neverHeld) expect(row, `${job} was ${one.state}`).toBeDefined();
      one.state = row?.state ?? "none";
    }
    expect(readdirSync(join(setup.dir, "spool")).length).toBe(jobs.filter(({ final }) => final === 0).length);
    // The kill falls in a state of its own choice, some milliseconds after it was said: dice, nothing waits for them.
    const moment = MOMENTS[round % MOMENTS.length] ?? "held";
    const one = await actor(moment);
    const said = heard("event", ({ job, state }) => job === one.ticket.job && state === moment);
    act(one);
    // Somebody else comes by at the same time.
    const other = [...sent.values()].find((another) => another !== one && (isNew(another) || waits(another)));
    if (other && round % 3 === 0) act(other);
    await said;
    await wait(randomInt(0, 12));
    await kill();
  }
  await start();
  for (const one of sent.values()) {
    while (one.state !== "delivered") {
      if (one.state === "none" || one.state === "arriving") {
        send({ op: "submit", ticket: one.ticket, sealed: one.sealed });
        await heard("done");
      } else {
        one.entries += 1;
        const over = heard("event", ({ state }) => state === "delivered" || state === "interrupted");
        send({ op: "enter", otp: one.otp });
        await over;
      }
    }
  }
  checkOutputs();
  // The end is told as soon as it is durable; the file goes right after.
  await vi.waitFor(() => expect(readdirSync(join(setup.dir, "spool"))).toEqual([]));
  await kill();
});
