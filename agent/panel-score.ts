/**
 * The grammar of light and sound played over time: what a panel shows becomes a score, and the score says what every
 * lamp and the buzzer do at any moment. Pure; times are monotonic milliseconds.
 */
import { type PanelState, STARTING_STEPS } from "./panel.ts";
import { type Lamp, type Light, PANEL_SIGNALS, type Sound, type Tone } from "./panel-signals.table.ts";

/** Lamps lit from `fromMs` for `onMs`, then dark for `offMs`, so many times (`Infinity`: until something else is shown). */
interface Wave {
  readonly lamps: readonly Lamp[];
  readonly fromMs: number;
  readonly onMs: number;
  readonly offMs: number;
  readonly times: number;
}

interface Note {
  readonly fromMs: number;
  readonly ms: number;
  readonly hertz: number;
}

export interface Score {
  readonly state: PanelState | null;
  readonly waves: readonly Wave[];
  /** In order, never two at once. */
  readonly notes: readonly Note[];
}

export interface Levels {
  readonly lamps: ReadonlySet<Lamp>;
  /** What the buzzer sounds; 0: silence. */
  readonly hertz: number;
}

export const SILENT_SCORE: Score = { state: null, waves: [], notes: [] };

/** The fastest flash: twice a second (WCAG 2.3.1 allows three). */
export const FLASH_MS = 500;
/** What parts one group of counted flashes from its repetition. */
const COUNT_PAUSE_MS = 1500;
/** Equal tones in a row must be told apart, also by a buzzer that knows one tone only. */
const TONE_GAP_MS = 80;

const [TICK] = PANEL_SIGNALS.entering.sounds.flatMap(({ tones }) => tones);

/** What is shown changes to `state`. The same thing again, with another number in it, goes on as it was. */
export function showState(score: Score, state: PanelState, atMs: number): Score {
  const { state: before } = score;
  if (before !== null && subjectOf(before) === subjectOf(state)) return recount(score, before, state, atMs);
  const left = before === null ? [] : soundsOf(before, "leave");
  const sounding = score.notes.filter((note) => note.fromMs <= atMs && endOf(note) > atMs);
  const on = state.kind === "locked" && state.entry === true ? "entry" : "enter";
  return {
    state,
    waves: [...countedWaves(0, state, atMs), ...wavesOf(state, atMs)],
    notes: addSounds(sounding, [...left, ...soundsOf(state, on)], atMs),
  };
}

/** A key was touched. It ticks in every state; what sounds already is answer enough. */
export function tickKey(score: Score, atMs: number): Score {
  if (TICK === undefined || score.notes.some((note) => note.fromMs <= atMs && endOf(note) > atMs))
    return score;
  const notes = score.notes.filter((note) => endOf(note) > atMs);
  const next = notes[0];
  if (next !== undefined && next.fromMs < atMs + TICK.ms) return score;
  return { ...score, notes: [{ fromMs: atMs, ...TICK }, ...notes] };
}

export function levelsAt(score: Score, atMs: number): Levels {
  const lamps = new Set(score.waves.filter((wave) => isLit(wave, atMs)).flatMap((wave) => wave.lamps));
  const note = score.notes.find(({ fromMs, ms }) => atMs >= fromMs && atMs < fromMs + ms);
  return { lamps, hertz: note?.hertz ?? 0 };
}

/** When `levelsAt` says something else for the first time after `atMs`; null: never. */
export function nextChange(score: Score, atMs: number): number | null {
  const edges = [
    ...score.waves.map((wave) => nextEdge(wave, atMs)),
    ...score.notes.flatMap((note) => [note.fromMs, endOf(note)]).filter((edge) => edge > atMs),
  ];
  const next = Math.min(...edges);
  return Number.isFinite(next) ? next : null;
}

/** What makes a signal begin anew: not how many jobs wait, digits are in or seconds are left. */
function subjectOf(state: PanelState): string {
  switch (state.kind) {
    case "starting":
    case "setup-stuck":
      return `${state.kind} ${state.step}`;
    case "printing":
    case "take-pages":
      return `${state.kind} ${state.printer}`;
    case "printer-care":
    case "paused":
      return `${state.kind} ${state.printer} ${state.reason}`;
    case "locked":
      return `${state.kind} ${state.entry === true}`;
    default:
      return state.kind;
  }
}

function recount(score: Score, before: PanelState, state: PanelState, atMs: number): Score {
  if (before.kind !== "entering" || state.kind !== "entering") return { ...score, state };
  // The warning counts again what is there: somebody who looks away for so long may have lost it.
  const counted = state.idleWarning && !before.idleWarning ? 0 : before.entered;
  const waves = score.waves.filter((wave) => lastEdge(wave) > atMs);
  const freeMs = Math.max(atMs, ...waves.map(lastEdge));
  return { ...score, state, waves: [...waves, ...countedWaves(counted, state, freeMs)] };
}

/** One flash for each digit beyond those counted, one after the other. */
function countedWaves(counted: number, state: PanelState, fromMs: number): Wave[] {
  if (state.kind !== "entering" || state.entered <= counted) return [];
  const { light } = PANEL_SIGNALS[state.kind];
  const lamps = light.pattern === "off" ? [] : light.lamps;
  return [{ lamps, fromMs, onMs: FLASH_MS / 2, offMs: FLASH_MS / 2, times: state.entered - counted }];
}

function wavesOf(state: PanelState, fromMs: number): Wave[] {
  const light: Light = PANEL_SIGNALS[state.kind].light;
  const wave = (onMs: number, offMs: number, times = Number.POSITIVE_INFINITY, from = fromMs): Wave[] => {
    return light.pattern === "off" ? [] : [{ lamps: light.lamps, fromMs: from, onMs, offMs, times }];
  };
  switch (light.pattern) {
    case "off":
      return [];
    case "steady":
      return wave(Number.POSITIVE_INFINITY, 0, 1);
    case "blink":
      return wave(500 / light.hertz, 500 / light.hertz);
    case "flashes":
      return wave(FLASH_MS / 2, FLASH_MS / 2, light.times);
    case "count":
      return "step" in state ? countSteps(STARTING_STEPS.indexOf(state.step) + 1, wave, fromMs) : [];
    case "steady-then-blink": {
      const halfMs = 500 / light.hertz;
      return [
        ...wave(light.steadyMs, 0, 1),
        ...wave(halfMs, halfMs, Number.POSITIVE_INFINITY, fromMs + light.steadyMs + halfMs),
      ];
    }
  }
}

/** So many flashes, a pause, and again. */
function countSteps(
  steps: number,
  wave: (onMs: number, offMs: number, times: number, fromMs: number) => Wave[],
  fromMs: number,
): Wave[] {
  const roundMs = steps * FLASH_MS + COUNT_PAUSE_MS;
  const onMs = FLASH_MS / 2;
  return Array.from({ length: steps }, (_, step) =>
    wave(onMs, roundMs - onMs, Number.POSITIVE_INFINITY, fromMs + step * FLASH_MS),
  ).flat();
}

function soundsOf(state: PanelState, on: Sound["on"]): Sound[] {
  return PANEL_SIGNALS[state.kind].sounds.filter((sound) => sound.on === on);
}

function addSounds(notes: readonly Note[], sounds: readonly Sound[], atMs: number): Note[] {
  const all = [...notes];
  for (const { tones, every } of sounds) {
    const repeats = every === undefined ? 1 : Math.floor(every.forMs / every.ms) + 1;
    for (let repeat = 0; repeat < repeats; repeat++) {
      addTones(all, tones, atMs + repeat * (every?.ms ?? 0));
    }
  }
  return all;
}

function addTones(notes: Note[], tones: readonly Tone[], atMs: number): void {
  for (const tone of tones) {
    const last = notes.at(-1);
    const fromMs = last === undefined ? atMs : Math.max(atMs, endOf(last) + TONE_GAP_MS);
    notes.push({ fromMs, ...tone });
  }
}

function endOf({ fromMs, ms }: Note): number {
  return fromMs + ms;
}

function periodOf({ onMs, offMs }: Wave): number {
  return onMs + offMs;
}

function isLit(wave: Wave, atMs: number): boolean {
  const sinceMs = atMs - wave.fromMs;
  if (sinceMs < 0) return false;
  if (!Number.isFinite(periodOf(wave))) return true;
  const round = Math.floor(sinceMs / periodOf(wave));
  return round < wave.times && sinceMs - round * periodOf(wave) < wave.onMs;
}

/** The next moment after `atMs` at which it turns on or off; `Infinity`: none. */
function nextEdge(wave: Wave, atMs: number): number {
  if (atMs < wave.fromMs) return wave.fromMs;
  const period = periodOf(wave);
  if (!Number.isFinite(period)) return Number.POSITIVE_INFINITY;
  const round = Math.floor((atMs - wave.fromMs) / period);
  if (round >= wave.times) return Number.POSITIVE_INFINITY;
  const off = wave.fromMs + round * period + wave.onMs;
  if (atMs < off) return off;
  return round + 1 < wave.times ? wave.fromMs + (round + 1) * period : Number.POSITIVE_INFINITY;
}

/** When the last flash and the dark after it are over. */
function lastEdge(wave: Wave): number {
  return wave.fromMs + wave.times * periodOf(wave);
}
