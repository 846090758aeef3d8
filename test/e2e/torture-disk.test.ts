/** `npm run torture -- --part disk`, in short: a few ailments, from a fixed seed. */
import { expect, test } from "vitest";
import { needsProgram } from "../broker/programs.ts";
import { part } from "../torture/parts/disk.ts";
import { Random } from "../torture/random.ts";

const SEED = 20_261_121;
const ROUNDS = 4;

test(`${ROUNDS} disks that lie, seed ${SEED}`, { timeout: 900_000 }, async ({ skip }) => {
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
  const suffered = Object.values(tally).reduce((sum, count) => sum + count, 0);
  expect(suffered, notes.join("\n")).toBe(ROUNDS);
});
