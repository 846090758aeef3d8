import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Db, openDatabase } from "../../agent/database.ts";
import { REFILL_MS, TRIES_MAX, Tries } from "../../agent/tries.ts";

let dir: string;
let db: Db;
let nowMs: number;
let alarms: number[];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "tries-"));
  db = openDatabase(join(dir, "jobs.db"));
  nowMs = 5000;
  alarms = [];
});
afterEach(() => {
  db.close();
  rmSync(dir, { recursive: true });
});

const open = (): Tries =>
  new Tries(
    db,
    () => nowMs,
    (failures) => alarms.push(failures),
  );

function fail(tries: Tries): void {
  tries.charge();
  tries.fail();
}

test("five, then a wait that typing does not lengthen, then one after two minutes", () => {
  const tries = open();
  for (let i = 0; i < TRIES_MAX; i++) fail(tries);
  expect(tries.left).toBe(0);
  expect(tries.waitSeconds).toBe(120);
  nowMs += 30_000;
  expect(tries.waitSeconds).toBe(90);
  expect(() => tries.charge()).toThrow(TypeError);
  expect(tries.waitSeconds).toBe(90);
  nowMs += 90_000;
  expect(tries.left).toBe(1);
  fail(tries);
  expect(tries.waitSeconds).toBe(120);
});

test("a charge is on disk before anything is said, and time switched off earns nothing", () => {
  fail(open());
  fail(open());
  nowMs = 1_000_000_000;
  expect(open().left).toBe(3);
});

test("a right OTP gets its own charge back and buys no guess", () => {
  const tries = open();
  fail(tries);
  tries.charge();
  tries.giveBack();
  expect(tries.left).toBe(4);
  tries.giveBack();
  expect(tries.left).toBe(TRIES_MAX);
  tries.giveBack();
  expect(tries.left).toBe(TRIES_MAX);
});

test("a full bucket saves up nothing", () => {
  const tries = open();
  nowMs += 100 * REFILL_MS;
  for (let i = 0; i < TRIES_MAX; i++) fail(tries);
  expect(tries.left).toBe(0);
  nowMs += REFILL_MS - 1;
  expect(tries.left).toBe(0);
});

test("ten failures within an hour raise the alarm once; right entries do not count", () => {
  const tries = open();
  for (let i = 0; i < 10; i++) {
    if (tries.left === 0) nowMs += REFILL_MS;
    tries.charge();
    tries.giveBack();
    if (tries.left === 0) nowMs += REFILL_MS;
    fail(tries);
    expect(alarms).toEqual(i === 9 ? [10] : []);
  }
  nowMs += REFILL_MS;
  fail(tries);
  expect(alarms).toEqual([10]);
});

test("ten failures over two hours raise none", () => {
  const tries = open();
  for (let i = 0; i < 10; i++) {
    fail(tries);
    nowMs += 12 * 60_000;
  }
  expect(alarms).toEqual([]);
});

test("whatever is typed, restarts and waits: at most 5 and one per two minutes of running time", () => {
  const step = fc.oneof(
    fc.constant("guess" as const),
    fc.constant("right" as const),
    fc.constant("restart" as const),
    fc.integer({ min: 0, max: 10 * REFILL_MS }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
      db.exec("DELETE FROM tries");
      nowMs = 0;
      let tries = open();
      let guesses = 0;
      for (const what of steps) {
        if (typeof what === "number") nowMs += what;
        else if (what === "restart") tries = open();
        else if (tries.left > 0) {
          tries.charge();
          if (what === "right") tries.giveBack();
          else guesses += 1;
        }
        expect(guesses).toBeLessThanOrEqual(TRIES_MAX + Math.floor(nowMs / REFILL_MS));
      }
    }),
    { numRuns: 25 },
  );
});
