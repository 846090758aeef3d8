/**
 * The panel's lamps as somebody in front of it sees them: what the machine's GPIO chip did to its pins, by QEMU's trace
 * with the host's time, held against the table of signals.
 */
import { readFile } from "node:fs/promises";
import { LAMPS, type Lamp, type Light, PANEL_SIGNALS } from "../../agent/panel-signals.table.ts";
import type { PanelKind } from "../../agent/panel-words.table.ts";
import { until } from "./patience.ts";

/** GPIO0 and so on; the machine keeps pin 3 for its own key. */
const PINS: Readonly<Record<Lamp, number>> = { white: 0, yellow: 1, green: 2, red: 4, blue: 5 };
/** What lasts so long is steady: a blink is dark for a second. */
const STEADY_MS = 2500;
/** A busy host lets an emulated clock hurry and limp. */
const UNEVEN = 0.5;

interface Stretch {
  readonly fromMs: number;
  /** Infinite while it lasts. */
  readonly untilMs: number;
}

export class Lamps {
  readonly #log: () => string;
  #seenUntilMs = 0;

  /** `log`: where QEMU writes its trace now. */
  constructor(log: () => string) {
    this.#log = log;
  }

  /** Resolves once the lamps show this state, in light that was not counted for another before. */
  async shows(kind: PanelKind): Promise<void> {
    const { light } = PANEL_SIGNALS[kind];
    await until(
      `the signal “${kind}”`,
      async () => {
        const lit = await this.#read();
        const nowMs = Date.now();
        if (!isShown(light, { lit, sinceMs: this.#seenUntilMs, nowMs })) return null;
        this.#seenUntilMs = nowMs;
        return true;
      },
      async () => this.#describe(await this.#read()),
    );
  }

  /** Resolves once a lamp has flashed so often since the last signal that was seen. */
  async flashes(lamp: Lamp, times: number): Promise<void> {
    const count = async (): Promise<number> =>
      ((await this.#read()).get(lamp) ?? []).filter(
        ({ fromMs, untilMs }) => fromMs > this.#seenUntilMs && untilMs - fromMs < STEADY_MS,
      ).length;
    await until(
      `flash ${times} of ${lamp}`,
      async () => ((await count()) >= times ? true : null),
      async () => `There were ${await count()}.`,
    );
  }

  /** The shortest time between two beginnings of light on one lamp, milliseconds. */
  async shortestPeriod(): Promise<number> {
    const lit = await this.#read();
    return Math.min(...LAMPS.flatMap((lamp) => periods(lit.get(lamp) ?? [])));
  }

  /** When each lamp was lit. */
  async #read(): Promise<Map<Lamp, Stretch[]>> {
    const log = await readFile(this.#log(), "latin1");
    return new Map(LAMPS.map((lamp) => [lamp, findLit(log, PINS[lamp])]));
  }

  #describe(lit: ReadonlyMap<Lamp, readonly Stretch[]>): string {
    const nowMs = Date.now();
    const seconds = (ms: number): string => ((ms - nowMs) / 1000).toFixed(1);
    return LAMPS.map((lamp) => {
      const last = (lit.get(lamp) ?? []).slice(-4);
      const text = last.map(
        ({ fromMs, untilMs }) => `${seconds(fromMs)}..${seconds(Math.min(untilMs, nowMs))}`,
      );
      return `${lamp}: ${text.join(" ") || "dark"}`;
    }).join("; ");
  }
}

function findLit(log: string, pin: number): Stretch[] {
  const changes = log.matchAll(
    new RegExp(`@(\\d+\\.\\d+):pl061_set_output \\S+ setting output ${pin} to ([01])`, "g"),
  );
  const lit: Stretch[] = [];
  let fromMs: number | null = null;
  for (const [, seconds = "0", level] of changes) {
    const atMs = Number(seconds) * 1000;
    if (level === "1") fromMs ??= atMs;
    else if (fromMs !== null) {
      lit.push({ fromMs, untilMs: atMs });
      fromMs = null;
    }
  }
  return fromMs === null ? lit : [...lit, { fromMs, untilMs: Number.POSITIVE_INFINITY }];
}

interface Seen {
  readonly lit: ReadonlyMap<Lamp, readonly Stretch[]>;
  /** What was before is another state's. */
  readonly sinceMs: number;
  readonly nowMs: number;
}

function isShown(light: Light, { lit, sinceMs, nowMs }: Seen): boolean {
  const stretches = (lamp: Lamp): readonly Stretch[] => lit.get(lamp) ?? [];
  const meant: readonly Lamp[] = "lamps" in light ? light.lamps : [];
  const isMeant = (lamp: Lamp): boolean => meant.includes(lamp);
  switch (light.pattern) {
    case "off":
    case "count":
      throw new Error(`nobody can tell ${light.pattern} by looking`);
    case "steady":
    case "steady-then-blink":
      return LAMPS.every((lamp) =>
        isMeant(lamp)
          ? stretches(lamp).some(({ fromMs, untilMs }) => untilMs > nowMs && nowMs - fromMs > STEADY_MS)
          : isDark(stretches(lamp), nowMs - STEADY_MS),
      );
    case "flashes":
      return light.lamps.every((lamp) => {
        const flashes = stretches(lamp).filter(({ fromMs }) => fromMs > sinceMs);
        return flashes.length === light.times && isDark(flashes, nowMs - 1500);
      });
    case "blink": {
      const periodMs = 1000 / light.hertz;
      const fromMs = nowMs - 4 * periodMs;
      return LAMPS.every((lamp) => {
        if (!isMeant(lamp)) return isDark(stretches(lamp), fromMs);
        const found = periods(stretches(lamp).filter((stretch) => stretch.fromMs > fromMs));
        return found.length >= 2 && found.every((ms) => Math.abs(ms / periodMs - 1) < UNEVEN);
      });
    }
  }
}

function isDark(stretches: readonly Stretch[], sinceMs: number): boolean {
  return stretches.every(({ untilMs }) => untilMs < sinceMs);
}

function periods(stretches: readonly Stretch[]): number[] {
  return stretches.slice(1).map(({ fromMs }, at) => fromMs - (stretches[at]?.fromMs ?? 0));
}
