/** `npm run torture -- --part disk`, in short: a few ailments, from a fixed seed. */
import { expect, test } from "vitest";
import { part } from "../torture/parts/disk.ts";
import { runShort, SHORT_MS } from "../torture/short.ts";

const SEED = 20_261_121;
const ROUNDS = 2;

test(`${ROUNDS} disks that lie, seed ${SEED}`, { timeout: SHORT_MS }, async ({ skip }) => {
  const { tally, schedule } = await runShort(part, SEED, ROUNDS, skip);
  const suffered = Object.values(tally).reduce((sum, count) => sum + count, 0);
  expect(suffered, schedule).toBe(ROUNDS);
});
