/** The comparison of refusals by time, as a process of its own: seed, tries, seconds, planted milliseconds; JSON out. */
import { setPriority } from "node:os";
import { Random } from "../random.ts";
import { KINDS, type Kind, RefusalTiming, type Times } from "./timing.ts";
import { largestT, median } from "./welch.ts";

export interface Comparison {
  readonly tries: number;
  /** Milliseconds. */
  readonly medians: Readonly<Record<Kind, number>>;
  /** The largest |t| of any two kinds, and the same with the difference planted. */
  readonly t: number;
  readonly planted: number;
}

const PIECE = 50;
/** A planted difference is looked for in a fifth of the tries. */
const PLANTED_TRIES_MIN = 150;

async function compare(seed: number, tries: number, seconds: number, plantedMs: number): Promise<Comparison> {
  const timing = await RefusalTiming.open(new Random(seed));
  try {
    const untilMs = performance.now() + seconds * 1000;
    const times: Times = { wrong: [], expired: [], used: [] };
    for (let done = 0; done < tries && performance.now() < untilMs; done += PIECE) {
      const piece = await timing.measure(Math.min(PIECE, tries - done));
      for (const kind of KINDS) times[kind].push(...piece[kind]);
    }
    const count = KINDS.reduce((sum, kind) => sum + times[kind].length, 0);
    const planted = await timing.measure(Math.max(PLANTED_TRIES_MIN, Math.round(count / 5)), {
      kind: "used",
      ms: plantedMs,
    });
    const medians = { wrong: median(times.wrong), expired: median(times.expired), used: median(times.used) };
    return { tries: count, medians, t: largest(times), planted: largest(planted) };
  } finally {
    await timing.close();
  }
}

function largest({ wrong, expired, used }: Times): number {
  return Math.max(largestT(wrong, expired), largestT(wrong, used), largestT(expired, used));
}

try {
  setPriority(-10);
} catch {
  // Not allowed to: then it takes the machine as it is.
}
const [seed = 0, tries = 0, seconds = 0, plantedMs = 0] = process.argv.slice(2).map(Number);
process.stdout.write(JSON.stringify(await compare(seed, tries, seconds, plantedMs)));
