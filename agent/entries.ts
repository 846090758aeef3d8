/** The entries under way, one per keypad, and the time that warns of them and clears them. */
import {
  EMPTY_ENTRY,
  ENTRY_CLEAR_MS,
  ENTRY_WARN_MS,
  type EntryEffect,
  type EntryPolicy,
  type EntryState,
  type EntryStep,
  entryDeadline,
  stepKey,
  stepTime,
} from "../keypad/entry.ts";
import type { Key } from "../keypad/keypad.ts";

/**
 * Every length the contract allows an OTP (wire/manifest.ts). Which of them are good here the release decides: it knows
 * what is held.
 */
const POLICY: EntryPolicy = {
  lengths: [6, 7, 8, 9, 10, 11, 12],
  warnMs: ENTRY_WARN_MS,
  clearMs: ENTRY_CLEAR_MS,
};

export type OnEffect = (effect: EntryEffect) => void;

export class Entries {
  readonly #onEffect: OnEffect;
  readonly #states = new Map<string, EntryState>();
  #timer: NodeJS.Timeout | undefined;

  constructor(onEffect: OnEffect) {
    this.#onEffect = onEffect;
  }

  /** What the panel shows of the entry that was touched last; null while there is none. */
  get shown(): { readonly entered: number; readonly idleWarning: boolean } | null {
    const newest = [...this.#states.values()].at(-1);
    return newest ? { entered: newest.digits.length, idleWarning: newest.isWarned } : null;
  }

  isEmpty(keypad: string): boolean {
    return !this.#states.has(keypad);
  }

  takeKey(keypad: string, key: Key): void {
    this.#apply(keypad, stepKey(this.#states.get(keypad) ?? EMPTY_ENTRY, key, performance.now(), POLICY));
  }

  /** A keypad went away: what was typed on it is nobody's now. */
  drop(keypad: string): void {
    if (this.#states.has(keypad)) this.takeKey(keypad, { kind: "clear" });
  }

  /** Forgets all of them, silently. */
  clear(): void {
    this.#states.clear();
    clearTimeout(this.#timer);
  }

  #apply(keypad: string, { state, effects }: EntryStep): void {
    // Set anew, so that the entry touched last stands last.
    this.#states.delete(keypad);
    if (state.digits !== "") this.#states.set(keypad, state);
    this.#schedule();
    for (const effect of effects) this.#onEffect(effect);
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    const due = [...this.#states.values()].map(
      (state) => entryDeadline(state, POLICY) ?? Number.POSITIVE_INFINITY,
    );
    if (due.length === 0) return;
    this.#timer = setTimeout(() => this.#passTime(), Math.max(0, Math.min(...due) - performance.now()));
    this.#timer.unref();
  }

  #passTime(): void {
    const nowMs = performance.now();
    for (const [keypad, state] of [...this.#states]) {
      const step = stepTime(state, nowMs, POLICY);
      if (step.effects.length > 0) this.#apply(keypad, step);
    }
    this.#schedule();
  }
}
