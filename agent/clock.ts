/**
 * What time it is, as far as anybody knows. A small computer without a battery starts in 1970: an unknown time holds
 * everything and lets nothing expire. Waits never use this clock, they use the monotonic one.
 */

/** Time from outside: injected, so that tests own it. */
export interface Time {
  /** Unix seconds as the machine believes. */
  wall(): number;
  /** Milliseconds that only move forward while this program runs. */
  monotonic(): number;
}

export const systemTime: Time = {
  wall: () => Math.floor(Date.now() / 1000),
  monotonic: () => performance.now(),
};

/** No earlier time can be true: this code did not exist (2026-11-20). */
export const BUILD_TIME_S = 1_795_132_800;
/** A clock set back by this little is believed to stand still. */
const SLACK_S = 300;

export class Clock {
  readonly #time: Time;
  #floor: number;
  #learned: { readonly unixSeconds: number; readonly atMs: number } | null = null;

  /** @param highestSeen Unix seconds, as kept from earlier runs; 0 if none */
  constructor(time: Time, highestSeen: number) {
    this.#time = time;
    this.#floor = Math.max(BUILD_TIME_S, highestSeen);
  }

  /** Unix seconds, or null while nobody can know: the machine's clock is before the floor. */
  now(): number | null {
    if (this.#learned) {
      return this.#learned.unixSeconds + Math.floor((this.monotonic() - this.#learned.atMs) / 1000);
    }
    const wall = this.#time.wall();
    if (wall < this.#floor - SLACK_S) return null;
    this.#floor = Math.max(this.#floor, wall);
    return this.#floor;
  }

  /** For events and logs, where a wrong time is better than none. */
  stamp(): number {
    return this.now() ?? Math.max(0, this.#time.wall());
  }

  /** The broker told the time: better than a machine's own clock, whatever that says. */
  learn(unixSeconds: number): void {
    if (unixSeconds >= BUILD_TIME_S) this.#learned = { unixSeconds, atMs: this.monotonic() };
  }

  monotonic(): number {
    return this.#time.monotonic();
  }
}
