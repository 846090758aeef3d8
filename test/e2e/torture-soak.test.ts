/** The soak, as short as a test: mixed load with faults on, and a fleet as clean as before. */
import { expect, test } from "vitest";
import { lacks } from "../agent/pty.ts";
import { part } from "../torture/parts/soak.ts";
import { Random } from "../torture/random.ts";

const skipped = lacks("mkfifo");

test.skipIf(skipped)(
  "a few seconds of everything at once end well",
  async () => {
    const seed = 20_261_120;
    const lines: string[] = [];
    const note = (line: string) => void lines.push(line);
    const tally = await part.run({ seed, random: new Random(seed), rounds: 10, seconds: 4, note });
    expect(tally.jobs).toBe(10);
    expect(tally["came out"]).toBeGreaterThan(4);
    expect(tally.faults).toBeGreaterThan(1);
  },
  240_000,
);
