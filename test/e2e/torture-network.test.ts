/** `npm run torture -- --part network`, in short: a few rounds, from a fixed seed. */
import { expect, test } from "vitest";
import { needsProgram } from "../broker/programs.ts";
import { part } from "../torture/parts/network.ts";
import { Random } from "../torture/random.ts";

const SEED = 20_261_448;
const ROUNDS = 3;

test(`${ROUNDS} rounds of a network that lies, seed ${SEED}`, { timeout: 900_000 }, async ({ skip }) => {
  for (const program of part.needs) needsProgram(program, skip);
  const notes: string[] = [];
  const plan = {
    seed: SEED,
    random: new Random(SEED),
    rounds: ROUNDS,
    seconds: 800,
    note: (line: string) => notes.push(line),
  };
  const tally = await part.run(plan);
  expect(tally.rounds, notes.join("\n")).toBe(ROUNDS);
  expect(tally.faults).toBeGreaterThanOrEqual(2 * ROUNDS);
});
