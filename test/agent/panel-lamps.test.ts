import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { PanelState } from "../../agent/panel.ts";
import { LampPanel } from "../../agent/panel-lamps.ts";
import { levelsAt, nextChange, SILENT_SCORE, showState, tickKey } from "../../agent/panel-score.ts";
import { LAMPS, type Lamp } from "../../agent/panel-signals.table.ts";
import { FakeGpio } from "./fake-gpio.ts";

const PRINTER = { printer: "lobby" } as const;
const STATES: readonly PanelState[] = [
  { kind: "starting", step: "clock" },
  { kind: "setup-stuck", step: "network", what: "no cable" },
  { kind: "ready", held: 1 },
  { kind: "entering", entered: 3, idleWarning: false },
  { kind: "checking" },
  { kind: "accepted-waiting" },
  { kind: "printing", ...PRINTER, second: false },
  { kind: "take-pages", ...PRINTER, confirmed: true },
  { kind: "not-accepted" },
  { kind: "wait", seconds: 9 },
  { kind: "printer-care", ...PRINTER, reason: "paper" },
  { kind: "paused", ...PRINTER, reason: "paper", otpNeeded: false },
  { kind: "broker-away", held: 0 },
  { kind: "locked" },
  { kind: "broken", what: "the disk" },
];

const INITIAL: Readonly<Record<Lamp, string>> = { white: "w", yellow: "y", green: "g", red: "r", blue: "b" };

/** What is lit each quarter of a second, in letters; `.`: nothing. */
function watch(state: PanelState, quarters: number): string {
  const score = showState(SILENT_SCORE, state, 1000);
  return Array.from({ length: quarters }, (_, quarter) => {
    const { lamps } = levelsAt(score, 1000 + quarter * 250);
    return [...lamps].map((lamp) => INITIAL[lamp]).join("+") || ".";
  }).join(" ");
}

/** Every tone with the silence before it. */
function listen(states: readonly PanelState[], untilMs: number): string {
  let score = SILENT_SCORE;
  for (const state of states) score = showState(score, state, 0);
  const heard: string[] = [];
  let before = { hertz: 0, atMs: 0 };
  for (let atMs: number | null = 0; atMs !== null && atMs <= untilMs; atMs = nextChange(score, atMs)) {
    const { hertz } = levelsAt(score, atMs);
    if (hertz === before.hertz) continue;
    if (before.hertz > 0) heard.push(`${before.hertz} Hz ${atMs - before.atMs} ms`);
    before = { hertz, atMs };
  }
  return heard.join(", ");
}

describe("light over time, a quarter of a second each", () => {
  it.each([
    ["starting", "b . b . b . . . . . . . b . b . b ."],
    ["setup-stuck", "y+b . y+b . . . . . . . y+b . y+b ."],
    ["ready", "w w w w w w w w"],
    ["entering", "w . w . w . . . . ."],
    ["checking", "w w w w . . . . w w"],
    ["accepted-waiting", "g g g g . . . . g g"],
    ["printing", "g g g g g g g g g g g g g g g g g g g g . . g g . . g g . ."],
    ["take-pages", ". . . ."],
    ["not-accepted", "y . y . . . . . . ."],
    ["wait", "y y y y . . . . y y"],
    ["printer-care", "r r r r r r r r"],
    ["paused", "g+r g+r g+r g+r"],
    ["broker-away", "b b b b . . . . b b"],
    ["locked", "b+r b+r b+r b+r . . . . b+r"],
    ["broken", "r . r . r . r ."],
  ] satisfies [PanelState["kind"], string][])("%s: %s", (kind, pattern) => {
    const state = STATES.find((one) => one.kind === kind) as PanelState;
    const seen = watch(state, pattern.split(" ").length);
    expect(seen.split(" ").map(sortLamps).join(" ")).toBe(pattern);
  });

  it("knows every state", () => {
    expect(STATES.map(({ kind }) => kind).sort()).toEqual(
      [...new Set(STATES.map(({ kind }) => kind))].sort(),
    );
    expect(STATES).toHaveLength(15);
  });
});

function sortLamps(text: string): string {
  return text
    .split("+")
    .sort((one, other) => "wygbr".indexOf(one) - "wygbr".indexOf(other))
    .join("+");
}

describe("sound", () => {
  it.each([
    [["accepted-waiting"], "600 Hz 100 ms, 1200 Hz 150 ms"],
    [["printing"], "1200 Hz 150 ms, 2000 Hz 200 ms"],
    [["take-pages"], "2000 Hz 200 ms"],
    [["not-accepted"], "600 Hz 400 ms"],
    [["printer-care"], "600 Hz 200 ms, 600 Hz 200 ms, 600 Hz 200 ms"],
    [["wait", "ready"], "2000 Hz 200 ms"],
    [["checking", "ready", "broker-away", "locked", "starting", "entering"], ""],
  ] satisfies [PanelState["kind"][], string][])("%j: %s", (kinds, sound) => {
    const states = kinds.map((kind) => STATES.find((one) => one.kind === kind) as PanelState);
    expect(listen(states, 10_000)).toBe(sound);
  });

  it("one low for each entry while locked, none for being locked", () => {
    expect(listen([{ kind: "locked" }], 5000)).toBe("");
    expect(listen([{ kind: "locked" }, { kind: "locked", entry: true }], 5000)).toBe("600 Hz 400 ms");
  });

  it("calls every 30 s for 3 min where it is broken, then rests", () => {
    const heard = listen([{ kind: "broken", what: "x" }], 3_600_000);
    expect(heard.split(", ")).toHaveLength(3 * 7);
    expect(new Set(heard.split(", "))).toEqual(new Set(["600 Hz 200 ms"]));
  });

  it("ticks for 30 ms with each key, and never into another sound", () => {
    const ready = showState(SILENT_SCORE, { kind: "ready", held: 0 }, 0);
    const ticked = tickKey(ready, 100);
    expect([levelsAt(ticked, 100).hertz, levelsAt(ticked, 129).hertz, levelsAt(ticked, 130).hertz]).toEqual([
      1200, 1200, 0,
    ]);
    // The entry is shown within the same moment: the tick goes on.
    const entering = showState(ticked, { kind: "entering", entered: 1, idleWarning: false }, 101);
    expect(levelsAt(entering, 102).hertz).toBe(1200);
    const refused = showState(ready, { kind: "not-accepted" }, 100);
    expect(tickKey(refused, 200)).toBe(refused);
  });
});

describe("a number that changes", () => {
  it("does not begin the signal anew", () => {
    const wait = showState(SILENT_SCORE, { kind: "wait", seconds: 9 }, 0);
    const later = showState(wait, { kind: "wait", seconds: 8 }, 700);
    expect(levelsAt(later, 900).lamps).toEqual(new Set(["yellow"]));
    expect(levelsAt(later, 1100).lamps).toEqual(new Set());
  });

  it("flashes once more for each digit more, one after the other, and again for the warning", () => {
    let score = SILENT_SCORE;
    const enter = (entered: number, atMs: number, idleWarning = false) => {
      score = showState(score, { kind: "entering", entered, idleWarning }, atMs);
    };
    const flashes = (fromMs: number, untilMs: number) => {
      let count = 0;
      for (let atMs = fromMs; atMs < untilMs; atMs += 10) {
        const wasLit = atMs > 0 && levelsAt(score, atMs - 10).lamps.size > 0;
        if (levelsAt(score, atMs).lamps.size > 0 && !wasLit) count++;
      }
      return count;
    };
    enter(1, 0);
    for (const [index, atMs] of [120, 240, 360].entries()) enter(index + 2, atMs);
    expect(flashes(0, 10_000)).toBe(4);
    enter(3, 5000); // backspace
    expect(flashes(5000, 10_000)).toBe(0);
    enter(3, 20_000, true);
    expect(flashes(20_000, 30_000)).toBe(3);
  });

  it("another printer's trouble is told again", () => {
    const one = showState(SILENT_SCORE, { kind: "printer-care", printer: "a", reason: "paper" }, 0);
    const other = showState(one, { kind: "printer-care", printer: "b", reason: "paper" }, 5000);
    expect(levelsAt(other, 5000).hertz).toBe(600);
  });
});

describe("lamps and a buzzer on pins", () => {
  const PINS: Readonly<Record<Lamp, string>> = {
    white: "GPIO5",
    yellow: "GPIO6",
    green: "GPIO13",
    red: "GPIO19",
    blue: "GPIO26",
  };
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  function open() {
    const gpio = new FakeGpio();
    const sounds: [number, number][] = [];
    const buzzer = {
      sound: (hertz: number) => void sounds.push([performance.now(), hertz]),
      close: () => void sounds.push([performance.now(), -1]),
    };
    const lamps = new Map(LAMPS.map((lamp) => [lamp, gpio.output(PINS[lamp])]));
    return { gpio, sounds, panel: new LampPanel(lamps, buzzer) };
  }

  it("plays a refusal: two yellow flashes, one low tone, then ready", async () => {
    const { gpio, sounds, panel } = open();
    const beganMs = performance.now();
    panel.show({ kind: "not-accepted" });
    vi.advanceTimersByTime(3000);
    panel.show({ kind: "ready", held: 0 });
    await panel.close();
    expect(gpio.changes.map(({ atMs, pin, isOn }) => [atMs - beganMs, pin, isOn])).toEqual([
      [0, "GPIO6", true],
      [250, "GPIO6", false],
      [500, "GPIO6", true],
      [750, "GPIO6", false],
      [3000, "GPIO5", true],
    ]);
    expect(sounds.map(([atMs, hertz]) => [atMs - beganMs, hertz])).toEqual([
      [0, 600],
      [400, 0],
      [3000, -1],
    ]);
    expect(gpio.levels.size).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
    panel.show({ kind: "ready", held: 0 });
    expect(vi.getTimerCount()).toBe(0);
  });

  it("answers a key within the same moment", () => {
    const { sounds, panel } = open();
    panel.tick();
    expect(sounds.map(([, hertz]) => hertz)).toEqual([1200]);
    vi.advanceTimersByTime(30);
    expect(sounds.map(([, hertz]) => hertz)).toEqual([1200, 0]);
  });

  it("never flashes a lamp faster than twice a second, whatever is shown when", () => {
    const step = fc.record({ state: fc.constantFrom(...STATES), afterMs: fc.integer({ min: 0, max: 700 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const { gpio, panel } = open();
        for (const { state, afterMs } of steps) {
          panel.show(state);
          vi.advanceTimersByTime(afterMs);
        }
        for (const pin of Object.values(PINS)) {
          const on = gpio.changes.filter((change) => change.pin === pin && change.isOn);
          for (const [index, { atMs }] of on.entries()) {
            const before = on[index - 1]?.atMs ?? Number.NEGATIVE_INFINITY;
            expect(atMs - before).toBeGreaterThanOrEqual(500);
          }
        }
        void panel.close();
      }),
      { numRuns: 60 },
    );
  });

  it("ends up showing what the last state says", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...STATES), { maxLength: 12 }), (states) => {
        const { gpio, panel } = open();
        for (const state of states) panel.show(state);
        panel.show({ kind: "printer-care", printer: "x", reason: "jam" });
        vi.advanceTimersByTime(600);
        const lit = [...gpio.levels].filter(([, isOn]) => isOn).map(([pin]) => pin);
        expect(lit).toEqual(["GPIO19"]);
        void panel.close();
      }),
      { numRuns: 60 },
    );
  });
});
