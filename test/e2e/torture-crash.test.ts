/** `npm run torture -- --part crash`, in short: a few kills, from a fixed seed. */
import { expect, test } from "vitest";
import { needsProgram } from "../broker/programs.ts";
import { part } from "../torture/parts/crash.ts";
import { Random } from "../torture/random.ts";

const SEED = 20_261_120;
const ROUNDS = 5;

test(`${ROUNDS} rounds of SIGKILL before steps and at moments, seed ${SEED}`, {
  timeout: 900_000,
}, async ({ skip }) => {
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
  // A step may come earlier or later than in another run; most are reached.
  expect(tally.kills).toBeGreaterThanOrEqual(ROUNDS / 2);
});
