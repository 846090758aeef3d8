/**
 * Light and sound for each state, as data: for panels of lamps and a buzzer, and for whoever draws their legend.
 * Lamps stand side by side, so that position tells them apart where colour does not.
 */
import type { PanelKind } from "./panel-words.table.ts";

/** From left to right: state, person, printer, fault, network. */
export const LAMPS = ["white", "yellow", "green", "red", "blue"] as const;
export type Lamp = (typeof LAMPS)[number];

/** `flashes`: so many, then dark. `count`: one flash for each thing counted (digits, steps). Rates in hertz. */
export type Light =
  | { readonly pattern: "steady"; readonly lamps: readonly Lamp[] }
  | { readonly pattern: "blink"; readonly lamps: readonly Lamp[]; readonly hertz: number }
  | { readonly pattern: "flashes"; readonly lamps: readonly Lamp[]; readonly times: number }
  | { readonly pattern: "count"; readonly lamps: readonly Lamp[] }
  /** Steady at least so long, then blinking while pages come. */
  | {
      readonly pattern: "steady-then-blink";
      readonly lamps: readonly Lamp[];
      readonly steadyMs: number;
      readonly hertz: number;
    }
  | { readonly pattern: "off" };

export interface Tone {
  readonly hertz: number;
  readonly ms: number;
}

export interface Sound {
  readonly tones: readonly Tone[];
  /** When: on entering the state, with each key, with each entry, on leaving it. */
  readonly on: "enter" | "key" | "entry" | "leave";
  /** Repeated so often, for so long; absent: once. */
  readonly every?: { readonly ms: number; readonly forMs: number };
}

interface Signal {
  readonly light: Light;
  readonly sounds: readonly Sound[];
}

const LOW = 600;
const MIDDLE = 1200;
const HIGH = 2000;

const TICK: Sound = { tones: [{ hertz: MIDDLE, ms: 30 }], on: "key" };
const ONE_LOW: readonly Tone[] = [{ hertz: LOW, ms: 400 }];
const THREE_LOW: readonly Tone[] = [...Array(3)].map(() => ({ hertz: LOW, ms: 200 }));
const ONE_HIGH: readonly Tone[] = [{ hertz: HIGH, ms: 200 }];

export const PANEL_SIGNALS: Readonly<Record<PanelKind, Signal>> = {
  starting: { light: { pattern: "count", lamps: ["blue"] }, sounds: [] },
  "setup-stuck": {
    light: { pattern: "count", lamps: ["yellow", "blue"] },
    sounds: [{ tones: ONE_LOW, on: "enter" }],
  },
  ready: { light: { pattern: "steady", lamps: ["white"] }, sounds: [] },
  entering: { light: { pattern: "count", lamps: ["white"] }, sounds: [TICK] },
  checking: { light: { pattern: "blink", lamps: ["white"], hertz: 0.5 }, sounds: [] },
  "accepted-waiting": {
    light: { pattern: "blink", lamps: ["green"], hertz: 0.5 },
    sounds: [
      {
        tones: [
          { hertz: LOW, ms: 100 },
          { hertz: MIDDLE, ms: 150 },
        ],
        on: "enter",
      },
    ],
  },
  printing: {
    light: { pattern: "steady-then-blink", lamps: ["green"], steadyMs: 5000, hertz: 1 },
    sounds: [
      {
        tones: [
          { hertz: MIDDLE, ms: 150 },
          { hertz: HIGH, ms: 200 },
        ],
        on: "enter",
      },
    ],
  },
  "take-pages": { light: { pattern: "off" }, sounds: [{ tones: ONE_HIGH, on: "enter" }] },
  "not-accepted": {
    light: { pattern: "flashes", lamps: ["yellow"], times: 2 },
    sounds: [{ tones: ONE_LOW, on: "enter" }],
  },
  wait: {
    light: { pattern: "blink", lamps: ["yellow"], hertz: 0.5 },
    sounds: [TICK, { tones: ONE_HIGH, on: "leave" }],
  },
  "printer-care": {
    light: { pattern: "steady", lamps: ["red"] },
    sounds: [{ tones: THREE_LOW, on: "enter" }],
  },
  paused: {
    light: { pattern: "steady", lamps: ["green", "red"] },
    sounds: [{ tones: THREE_LOW, on: "enter" }],
  },
  "broker-away": { light: { pattern: "blink", lamps: ["blue"], hertz: 0.5 }, sounds: [] },
  locked: {
    light: { pattern: "blink", lamps: ["blue", "red"], hertz: 0.5 },
    sounds: [{ tones: ONE_LOW, on: "entry" }],
  },
  broken: {
    light: { pattern: "blink", lamps: ["red"], hertz: 2 },
    sounds: [{ tones: THREE_LOW, on: "enter", every: { ms: 30_000, forMs: 180_000 } }],
  },
};
