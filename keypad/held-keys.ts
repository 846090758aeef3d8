const STUCK_MS = 30_000;

/** Notices a key that stays down: a coin on it, a wet contact. It types nothing, and hides that nobody can type. */
export class HeldKeys {
  readonly #onStuck: (isStuck: boolean) => void;
  readonly #limitMs: number;
  readonly #timers = new Map<number, NodeJS.Timeout>();
  readonly #stuck = new Set<number>();

  constructor(onStuck: (isStuck: boolean) => void, limitMs = STUCK_MS) {
    this.#onStuck = onStuck;
    this.#limitMs = limitMs;
  }

  /** All that is down now. The same again is no news: some keyboards repeat their reports. */
  see(down: readonly number[]): void {
    for (const key of [...this.#timers.keys()].filter((key) => !down.includes(key))) this.#forget(key);
    for (const key of down) {
      if (this.#timers.has(key)) continue;
      const timer = setTimeout(() => {
        this.#stuck.add(key);
        if (this.#stuck.size === 1) this.#onStuck(true);
      }, this.#limitMs);
      this.#timers.set(key, timer.unref());
    }
  }

  /** The keypad is gone: nothing is known to be down. */
  end(): void {
    this.see([]);
  }

  #forget(key: number): void {
    clearTimeout(this.#timers.get(key));
    this.#timers.delete(key);
    if (this.#stuck.delete(key) && this.#stuck.size === 0) this.#onStuck(false);
  }
}
