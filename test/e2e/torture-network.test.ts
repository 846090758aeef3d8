/** `npm run torture -- --part network`, in short: a few rounds, from a fixed seed. */
import { expect, test } from "vitest";
import { part } from "../torture/parts/network.ts";
import { runShort, SHORT_MS } from "../torture/short.ts";

const SEED = 20_261_448;
const ROUNDS = 3;

test(`${ROUNDS} rounds of a network that lies, seed ${SEED}`, { timeout: SHORT_MS }, async ({ skip }) => {
  const { tally, schedule } = await runShort(part, SEED, ROUNDS, skip);
  expect(tally.rounds, schedule).toBe(ROUNDS);
  expect(tally.faults).toBeGreaterThanOrEqual(2 * ROUNDS);
});
