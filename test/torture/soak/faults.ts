/** What goes wrong during the soak, and when it is well again: drawn from the seed, one thing at a time begun, several may last. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Random } from "../random.ts";
import type { Agents } from "./agents.ts";
import type { Line } from "./line.ts";
import type { SoakPrinter } from "./soak-printer.ts";

export interface Hurtable {
  readonly agents: Agents;
  /** Those that may be killed; the others live through the hour, so that they can be measured. */
  readonly mortals: readonly string[];
  readonly lines: ReadonlyMap<string, Line>;
  readonly senders: Line;
  readonly printers: ReadonlyMap<string, SoakPrinter>;
  /** A folder on a small file system of its own; null where none could be made. */
  readonly smallDisk: string | null;
}

export class Faults {
  readonly #random: Random;
  readonly #hurt: Hurtable;
  readonly #note: (line: string) => void;
  readonly #lasting = new Set<Promise<void>>();
  readonly #heal = new AbortController();
  readonly counts = new Map<string, number>();

  constructor(random: Random, hurt: Hurtable, note: (line: string) => void) {
    this.#random = random;
    this.#hurt = hurt;
    this.#note = note;
  }

  /** One fault, begun now; it ends by itself. */
  begin(): void {
    const kinds = Object.keys(FAULTS) as [FaultKind, ...FaultKind[]];
    const kind = this.#random.pick(kinds);
    const random = this.#random.fork();
    this.count(kind);
    const run = this.#run(kind, random).finally(() => this.#lasting.delete(run));
    this.#lasting.add(run);
  }

  count(kind: string): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
  }

  /** Everything is well again, once this resolved. */
  async end(): Promise<void> {
    this.#heal.abort();
    await Promise.all(this.#lasting);
  }

  async #run(kind: FaultKind, random: Random): Promise<void> {
    const lasts = (low: number, high: number) => this.#last(random.integer(low * 1000, high * 1000));
    try {
      const fault: FaultRun = FAULTS[kind];
      await fault(random, this.#hurt, lasts, (what) => this.#note(`${kind} ${what}`));
    } catch (error) {
      this.#note(`${kind} could not be done: ${error}`);
    }
  }

  async #last(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#heal.signal }).catch(() => {});
  }
}

type FaultRun = (
  random: Random,
  hurt: Hurtable,
  lasts: (lowS: number, highS: number) => Promise<void>,
  note: (what: string) => void,
) => Promise<void>;

const FAULTS = {
  "agent killed": async (random, { agents, mortals }, lasts, note) => {
    const agent = pickOf(random, mortals);
    if (!agents.isRunning(agent)) return;
    note(agent);
    await agents.kill(agent);
    await lasts(1, 20);
    await agents.start(agent);
  },
  "line cut": async (random, { lines }, _, note) => {
    const agent = pickOf(random, [...lines.keys()]);
    note(agent);
    lines.get(agent)?.cut();
  },
  "line stalled": async (random, { lines }, lasts, note) => {
    const agent = pickOf(random, [...lines.keys()]);
    note(agent);
    lines.get(agent)?.stall();
    await lasts(3, 40);
    lines.get(agent)?.resume();
  },
  "line away": async (random, { lines }, lasts, note) => {
    const agent = pickOf(random, [...lines.keys()]);
    note(agent);
    lines.get(agent)?.setAway(true);
    await lasts(5, 60);
    lines.get(agent)?.setAway(false);
  },
  "senders cut": async (random, { senders }, _, note) => {
    note("half of them");
    senders.cut(() => random.fraction() < 0.5);
  },
  "senders stalled": async (_, { senders }, lasts, note) => {
    note("all");
    senders.stall();
    await lasts(1, 10);
    senders.resume();
  },
  "printer unplugged": async (random, { printers }, _, note) => {
    const name = pickOf(random, [...printers.keys()]);
    const printer = printers.get(name);
    if (!printer) return;
    printer.unplugAfter = random.integer(0, 500_000);
    note(`${name} after ${printer.unplugAfter} bytes`);
  },
  "printer stalled": async (random, { printers }, lasts, note) => {
    const name = pickOf(random, [...printers.keys()]);
    note(name);
    printers.get(name)?.stall();
    await lasts(2, 90);
    printers.get(name)?.resume();
  },
  "printer off": async (random, { printers }, lasts, note) => {
    const name = pickOf(random, [...printers.keys()]);
    note(name);
    await printers.get(name)?.leave();
    await lasts(5, 40);
    await printers.get(name)?.return();
  },
  "paper out or cover open": async (random, { printers }, lasts, note) => {
    const talking = [...printers.values()].filter(({ kind }) => kind !== "raw");
    const printer = talking[random.integer(0, talking.length - 1)];
    if (!printer) return;
    note(printer.name);
    printer.runOut();
    await lasts(3, 45);
    printer.refill();
  },
  "printer lies": async (random, { printers }, lasts, note) => {
    const talking = [...printers.values()].filter(({ kind }) => kind !== "raw");
    const printer = talking[random.integer(0, talking.length - 1)];
    if (!printer) return;
    note(printer.name);
    printer.lie(random.integer(0, 2));
    await lasts(20, 60);
    printer.tellTruth();
  },
  "wrong OTP": async (random, { agents }, _, note) => {
    const agent = pickOf(random, agents.names);
    note(agent);
    await agents.type(agent, `${random.integer(10_000_000, 99_999_999)}\n`);
  },
  "disk full": async (_, { smallDisk }, lasts, note) => {
    if (smallDisk === null) return;
    note(smallDisk);
    fillDisk(smallDisk);
    await lasts(5, 40);
    rmSync(join(smallDisk, "filler"), { force: true });
  },
} as const satisfies Record<string, FaultRun>;
type FaultKind = keyof typeof FAULTS;

function pickOf(random: Random, names: readonly string[]): string {
  return names[random.integer(0, names.length - 1)] ?? "";
}

/** Until not one byte more goes on it. */
function fillDisk(folder: string): void {
  try {
    for (;;) {
      writeFileSync(join(folder, "filler"), Buffer.alloc(64 * 1024), { flag: "a" });
    }
  } catch {
    // ENOSPC: it is full.
  }
}
