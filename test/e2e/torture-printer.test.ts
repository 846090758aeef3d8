/** `npm run torture -- --part printer`, in short: a few lies, from a fixed seed. */
import { expect, test } from "vitest";
import { needsProgram } from "../broker/programs.ts";
import { part } from "../torture/parts/printer.ts";
import { Random } from "../torture/random.ts";

const SEED = 20_280_571;
const ROUNDS = 4;

test(`${ROUNDS} ways in which a printer lies, seed ${SEED}`, { timeout: 900_000 }, async ({ skip }) => {
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
  expect(tally.lies, notes.join("\n")).toBe(ROUNDS);
});
