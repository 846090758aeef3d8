/**
 * One part of the torture: a named way of hurting running programs, and what must hold afterwards. Everything a part
 * does follows from its seed; what it did is written down as it goes, so that a failure's schedule can be read and run again.
 */
import type { Random } from "./random.ts";

/** What one run of a part is given. */
export interface Plan {
  readonly seed: number;
  readonly random: Random;
  /** Stop starting new rounds after this many, or after `seconds`, whichever comes first; a round is never cut short. */
  readonly rounds: number;
  readonly seconds: number;
  /** One line of the schedule: what is about to be done, in words that suffice to do it again. */
  readonly note: (line: string) => void;
}

/** What came of it: counts by name, in the order they are to be shown. */
export type Tally = Readonly<Record<string, number>>;

export interface Part {
  readonly name: string;
  /** One line for `--help`. */
  readonly about: string;
  /** Rounds of a full run. */
  readonly fullRounds: number;
  /** Programs of Debian's it cannot do without. */
  readonly needs: readonly string[];
  /** @throws Error, with the round and the invariant that broke, at the first broken one */
  readonly run: (plan: Plan) => Promise<Tally>;
}

/** Counts rounds and watches the clock for a part: `while (rounds.next()) { ... }`. */
export class Rounds {
  readonly #plan: Plan;
  readonly #startedMs = performance.now();
  /** The round that runs, from 1. */
  current = 0;

  constructor(plan: Plan) {
    this.#plan = plan;
  }

  next(): boolean {
    const elapsedS = (performance.now() - this.#startedMs) / 1000;
    if (this.current >= this.#plan.rounds || elapsedS >= this.#plan.seconds) return false;
    this.current++;
    return true;
  }
}
