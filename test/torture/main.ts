/**
 * `npm run torture`: promises under torture. `--part crash,disk`, `--seed 7`, `--rounds 1000`, `--minutes 30`, `--list`.
 * Prints the seed and each part's tally; the schedule of a part lies beside it, and a failure says how to run it again.
 */
import { spawnSync } from "node:child_process";
import { randomInt } from "node:crypto";
import { appendFileSync, mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Part, Tally } from "./part.ts";
import { Random } from "./random.ts";

/** Every file of `parts/` is a part, and exports it as `part`. */
const NAMES = readdirSync(new URL("parts/", import.meta.url))
  .filter((file) => file.endsWith(".ts"))
  .map((file) => file.slice(0, -".ts".length))
  .sort();

const { values } = parseArgs({
  options: {
    part: { type: "string", default: NAMES.join(",") },
    seed: { type: "string", default: String(randomInt(2 ** 31)) },
    rounds: { type: "string" },
    minutes: { type: "string", default: "60" },
    list: { type: "boolean", default: false },
  },
});
const seed = Number(values.seed);
const folder = mkdtempSync(join(tmpdir(), "platen-torture-"));

function isMissing(program: string): boolean {
  return spawnSync("sh", ["-c", `command -v ${program}`]).status !== 0;
}

function show(tally: Tally): string {
  return Object.entries(tally)
    .map(([what, count]) => `${what} ${count}`)
    .join(", ");
}

/** Whether it held. */
async function runPart(part: Part): Promise<boolean> {
  const missing = part.needs.filter(isMissing);
  if (missing.length > 0) {
    console.log(`${part.name}: NOT RUN, missing: ${missing.join(", ")}`);
    return false;
  }
  const schedule = join(folder, `${part.name}.schedule`);
  const startedMs = performance.now();
  const again = `npm run torture -- --part ${part.name} --seed ${seed}`;
  try {
    const tally = await part.run({
      seed,
      random: new Random(seed),
      rounds: Number(values.rounds ?? part.fullRounds),
      seconds: Number(values.minutes) * 60,
      note: (line) => appendFileSync(schedule, `${line}\n`),
    });
    const seconds = Math.round((performance.now() - startedMs) / 1000);
    console.log(`${part.name}: held, ${seconds} s: ${show(tally)}`);
    return true;
  } catch (error) {
    console.log(
      `${part.name}: BROKEN: ${error instanceof Error ? error.stack : error}\n  schedule: ${schedule}\n  again: ${again}`,
    );
    return false;
  }
}

const parts: Part[] = [];
for (const name of values.part.split(",").filter(Boolean)) {
  if (!NAMES.includes(name)) {
    console.error(`There is no part named "${name}". There are: ${NAMES.join(", ")}.`);
    process.exit(64);
  }
  parts.push((await import(`./parts/${name}.ts`)).part);
}
if (values.list) {
  for (const { name, about, fullRounds } of parts)
    console.log(`${name.padEnd(10)} ${about} (${fullRounds} rounds)`);
  process.exit(0);
}
console.log(`seed ${seed}, schedules in ${folder}`);
let held = true;
for (const part of parts) held = (await runPart(part)) && held;
// What a broken part left running must not keep its failure from being told.
process.exit(held ? 0 : 1);
