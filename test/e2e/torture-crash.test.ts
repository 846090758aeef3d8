/** `npm run torture -- --part crash`, in short: a few kills, from a fixed seed. */
import { expect, test } from "vitest";
import { part } from "../torture/parts/crash.ts";
import { runShort, SHORT_MS } from "../torture/short.ts";

const SEED = 20_261_120;
const ROUNDS = 3;

test(`${ROUNDS} rounds of SIGKILL before steps and at moments, seed ${SEED}`, {
  timeout: SHORT_MS,
}, async ({ skip }) => {
  const { tally, schedule } = await runShort(part, SEED, ROUNDS, skip);
  expect(tally.rounds, schedule).toBe(ROUNDS);
  // A step may come earlier or later than in another run; most are reached.
  expect(tally.kills).toBeGreaterThanOrEqual(ROUNDS / 2);
});
