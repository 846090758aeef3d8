/** What goes wrong between programs, each drawn from the seed: begun at a moment, over after another. */
import { setTimeout as delay } from "node:timers/promises";
import type { Way } from "../liar.ts";
import type { Random } from "../random.ts";
import type { Program, Site } from "./site.ts";

type LineName = keyof Site["lines"];

interface Hurt {
  readonly site: Site;
  readonly random: Random;
  readonly line: LineName;
}

/** What it does, in words, once done; null where there was nothing to hurt. */
type Fault = (hurt: Hurt) => Promise<void>;

const WAYS = ["up", "down"] as const satisfies readonly Way[];

const FAULTS = {
  "cut at once": async ({ site, line }) => site.lines[line].cut(),
  "cut after bytes": async ({ site, random, line }) => doom(site, random, line, "reset"),
  "half closed": async ({ site, random, line }) => doom(site, random, line, "half"),
  "silent for ever": async ({ site, random, line }) => doom(site, random, line, "mute"),
  stalled: async ({ site, random, line }) => {
    site.lines[line].stall();
    await delay(random.integer(50, 2500));
    site.lines[line].resume();
  },
  away: async ({ site, random, line }) => {
    site.lines[line].setAway(true);
    await delay(random.integer(50, 1500));
    site.lines[line].setAway(false);
  },
  torn: async ({ site, random, line }) => {
    site.lines[line].setManner({ kind: "torn", most: random.pick([1, 7, 100, 1400]) });
    await delay(random.integer(100, 1500));
    site.lines[line].setManner({ kind: "honest" });
  },
  slow: async ({ site, random, line }) => {
    site.lines[line].setManner({ kind: "slow", bytesPerSecond: random.integer(4, 400) * 1000 });
    await delay(random.integer(100, 2500));
    site.lines[line].setManner({ kind: "honest" });
  },
  "broker killed": ({ site }) => site.restart("broker", "SIGKILL"),
  "broker stopped": ({ site }) => site.restart("broker", "SIGTERM"),
} as const satisfies Record<string, Fault>;

type FaultName = keyof typeof FAULTS;
const NAMES = Object.keys(FAULTS) as [FaultName, ...FaultName[]];

/** Faults of one round, under way together; what each did is counted by name. */
export class Faults {
  readonly #site: Site;
  readonly #note: (line: string) => void;
  readonly counts = new Map<string, number>();

  constructor(site: Site, note: (line: string) => void) {
    this.#site = site;
    this.#note = note;
  }

  get total(): number {
    return [...this.counts.values()].reduce((sum, count) => sum + count, 0);
  }

  /** `count` faults within `withinMs`, on these lines; resolves when the last one is over. */
  async let(random: Random, count: number, lines: readonly LineName[], withinMs: number): Promise<void> {
    await Promise.all(
      Array.from({ length: count }, async () => {
        const own = random.fork();
        const line = lines[own.integer(0, lines.length - 1)] ?? "sender";
        await this.begin(own.pick(NAMES), own, line, own.integer(0, withinMs));
      }),
    );
  }

  async begin(name: FaultName, random: Random, line: LineName, afterMs: number): Promise<void> {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
    this.#note(`after ${afterMs} ms: ${line} ${name}`);
    await delay(afterMs);
    const fault: Fault = FAULTS[name];
    await fault({ site: this.#site, random, line });
  }

  /** A program is ended at a moment, and started again. */
  async restart(program: Program, how: "SIGTERM" | "SIGKILL", afterMs: number): Promise<void> {
    const name = `${program === "broker" ? "broker" : "agent"} ${how}`;
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
    await delay(afterMs);
    await this.#site.restart(program, how);
  }
}

function doom(site: Site, random: Random, line: LineName, kind: "reset" | "half" | "mute"): void {
  site.lines[line].doom({ way: random.pick(WAYS), afterBytes: random.integer(0, 300_000), kind });
}
