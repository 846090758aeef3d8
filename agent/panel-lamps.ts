/** A panel of lamps and a buzzer: plays the score of what is shown on whatever is wired. */
import type { GpioOutput } from "./gpio.ts";
import type { Panel, PanelState } from "./panel.ts";
import type { Buzzer } from "./panel-buzzer.ts";
import {
  FLASH_MS,
  levelsAt,
  nextChange,
  type Score,
  SILENT_SCORE,
  showState,
  tickKey,
} from "./panel-score.ts";
import type { Lamp } from "./panel-signals.table.ts";

/** What can be lit: a pin, a keyboard's LED. `set` may be called with what is set already. */
export type LampOutputs = ReadonlyMap<Lamp, Pick<GpioOutput, "set" | "close">>;

export class LampPanel implements Panel {
  readonly #lamps: LampOutputs;
  readonly #buzzer: Buzzer | null;
  readonly #litAtMs = new Map<Lamp, number>();
  readonly #lit = new Set<Lamp>();
  #hertz = 0;
  #score: Score = SILENT_SCORE;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  /** The outputs are the panel's own from now on; `close` closes them. */
  constructor(lamps: LampOutputs, buzzer: Buzzer | null) {
    this.#lamps = lamps;
    this.#buzzer = buzzer;
  }

  show(state: PanelState): void {
    const atMs = now();
    this.#play(showState(this.#score, state, atMs), atMs);
  }

  tick(): void {
    const atMs = now();
    this.#play(tickKey(this.#score, atMs), atMs);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#buzzer?.close();
    for (const output of this.#lamps.values()) output.close();
  }

  #play(score: Score, atMs: number): void {
    if (this.#isClosed) return;
    this.#score = score;
    const { lamps, hertz } = levelsAt(score, atMs);
    const held = [...this.#lamps.keys()].map((lamp) => this.#setLamp(lamp, lamps.has(lamp), atMs));
    if (hertz !== this.#hertz) this.#buzzer?.sound(hertz);
    this.#hertz = hertz;
    const next = Math.min(nextChange(score, atMs) ?? Number.POSITIVE_INFINITY, ...held);
    clearTimeout(this.#timer);
    if (!Number.isFinite(next)) return;
    this.#timer = setTimeout(() => this.#play(this.#score, now()), Math.max(next - atMs, 1));
    this.#timer.unref();
  }

  /** Whatever the states do, no lamp flashes faster than twice a second: until when it is held dark, else never. */
  #setLamp(lamp: Lamp, isLit: boolean, atMs: number): number {
    const freeMs = (this.#litAtMs.get(lamp) ?? Number.NEGATIVE_INFINITY) + FLASH_MS;
    if (isLit && !this.#lit.has(lamp) && atMs < freeMs) return freeMs;
    if (isLit === this.#lit.has(lamp)) return Number.POSITIVE_INFINITY;
    if (isLit) {
      this.#lit.add(lamp);
      this.#litAtMs.set(lamp, atMs);
    } else this.#lit.delete(lamp);
    this.#lamps.get(lamp)?.set(isLit);
    return Number.POSITIVE_INFINITY;
  }
}

/** Whole milliseconds: the score's edges are sums of them, and comparing stays exact. */
function now(): number {
  return Math.floor(performance.now());
}
