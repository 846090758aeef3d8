import { beforeEach, expect, it } from "vitest";
import { openClock } from "../../broker/clock.ts";
import { type BrokerDatabase, openDatabase } from "../../broker/database.ts";
import { Ledger } from "../../broker/ledger.ts";

const NOW = 1_800_000_000;
const DAY = 86_400;
let database: BrokerDatabase;

beforeEach(() => {
  database = openDatabase(":memory:");
});

function record(receivedAt: number): void {
  new Ledger(database).record({
    ...{ id: `at ${receivedAt}`, agent: null, user: "alice", job: "job-00000001", target: "lobby" },
    ...{
      state: "stored",
      reason: null,
      printer: null,
      bytes: null,
      bytesAtMost: null,
      again: false,
      isRepeat: false,
      at: receivedAt,
      receivedAt,
    },
  });
}

it("runs with the machine's, and never behind what was written before", () => {
  let system = NOW;
  expect(openClock(database, () => system)()).toBe(NOW);
  record(NOW);
  const clock = openClock(database, () => system);
  for (const [wall, told] of [
    [0, NOW],
    [NOW - 20 * DAY, NOW],
    [NOW + 5, NOW + 5],
  ] as const) {
    system = wall;
    expect(clock()).toBe(told);
  }
});

it("does not stand still for ten years because the machine's was once ten years ahead", () => {
  record(NOW);
  record(NOW + 3650 * DAY);
  let system = NOW + 60;
  const clock = openClock(database, () => system);
  expect(clock()).toBe(NOW + 60);
  system += 5;
  expect(clock()).toBe(NOW + 65);
  // Without any idea of the time the ledger is all there is.
  system = 100;
  expect(clock()).toBe(NOW + 3650 * DAY);
});

it("is not in 1970 where nothing was ever written: what it issues then must still be good later", () => {
  expect(openClock(database, () => 100)()).toBeGreaterThan(NOW - 365 * DAY);
});
