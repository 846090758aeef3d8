/** `npm run torture -- --part printer`, in short: a few lies, from a fixed seed. */
import { expect, test } from "vitest";
import { part } from "../torture/parts/printer.ts";
import { runShort, SHORT_MS } from "../torture/short.ts";

const SEED = 20_280_571;
const ROUNDS = 4;

test(`${ROUNDS} ways in which a printer lies, seed ${SEED}`, { timeout: SHORT_MS }, async ({ skip }) => {
  const { tally, schedule } = await runShort(part, SEED, ROUNDS, skip);
  expect(tally.lies, schedule).toBe(ROUNDS);
});
