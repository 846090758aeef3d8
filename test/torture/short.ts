/** A part's short form, as the tests run it: few rounds from a fixed seed, the schedule at hand where it breaks. */
import { needsProgram } from "../broker/programs.ts";
import type { Part, Tally } from "./part.ts";
import { Random } from "./random.ts";

const SECONDS_MAX = 800;

/** Long beyond any machine that is merely busy: nothing here is judged by its speed. */
export const SHORT_MS = 900_000;

interface Short {
  readonly tally: Tally;
  /** What was done, for a failure's message. */
  readonly schedule: string;
}

/** @throws Error at the first invariant that broke */
export async function runShort(
  part: Part,
  seed: number,
  rounds: number,
  skip: (note?: string) => void,
): Promise<Short> {
  for (const program of part.needs) needsProgram(program, skip);
  const notes: string[] = [];
  const tally = await part.run({
    seed,
    random: new Random(seed),
    rounds,
    seconds: SECONDS_MAX,
    note: (line) => notes.push(line),
  });
  return { tally, schedule: notes.join("\n") };
}
