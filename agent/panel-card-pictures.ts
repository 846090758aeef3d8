/** The pictures of the panel card, as SVG. Units are millimetres; each picture stands around its own origin. */

import type { Score } from "./panel-score.ts";
import { levelsAt } from "./panel-score.ts";
import type { Tone } from "./panel-signals.table.ts";
import { LAMPS, type Lamp } from "./panel-signals.table.ts";

export const INK = "#1b2430";
export const PALE = "#c3cad3";
const FILLS: Readonly<Record<Lamp, string>> = {
  white: "#ffffff",
  yellow: "#f5b800",
  green: "#159a52",
  red: "#d6213b",
  blue: "#1f6fd6",
};

const SPACING = 4;
/** How wide five lamps are, rays included. */
export const LAMPS_WIDE = (LAMPS.length - 1) * SPACING + 4.4;

/** The five lamps in their places; those in `lit` shine. Shape tells it too: unlit ones are rings without rays. */
export function drawLamps(lit: ReadonlySet<Lamp>): string {
  return LAMPS.map((lamp, place) => {
    const x = 2.2 + place * SPACING;
    if (!lit.has(lamp)) return `<circle cx="${x}" r="1.05" fill="none" stroke="${PALE}" stroke-width=".3"/>`;
    const rays = Array.from({ length: 8 }, (_, ray) => {
      const angle = (ray * Math.PI) / 4;
      const at = (r: number) => `${round(x + r * Math.cos(angle))} ${round(r * Math.sin(angle))}`;
      return `M${at(1.6)}L${at(2.15)}`;
    }).join("");
    return (
      `<path d="${rays}" stroke="${INK}" stroke-width=".28" stroke-linecap="round"/>` +
      `<circle cx="${x}" r="1.15" fill="${FILLS[lamp]}" stroke="${INK}" stroke-width=".32"/>`
    );
  }).join("");
}

/** What the light does over time, from left to right: a bar while it is lit, one bar under the other for two lamps. */
export function drawRhythm(score: Score, wide: number, seconds: number): string {
  const STEP_MS = 50;
  const lamps = LAMPS.filter((lamp) => {
    for (let ms = 0; ms < seconds * 1000; ms += STEP_MS) if (levelsAt(score, ms).lamps.has(lamp)) return true;
    return false;
  });
  const line = `<path d="M0 0H${wide}" stroke="${PALE}" stroke-width=".15"/>`;
  const high = lamps.length > 1 ? 1 : 1.6;
  const bars = lamps.flatMap((lamp, index) => {
    const y = lamps.length > 1 ? -high - 0.1 + index * (high + 0.2) : -high / 2;
    return litSpans(score, lamp, seconds * 1000, STEP_MS).map(([from, to]) => {
      const scale = wide / (seconds * 1000);
      const at = `x="${round(from * scale)}" y="${y}" width="${round((to - from) * scale)}" height="${high}"`;
      return `<rect ${at} rx=".25" fill="${FILLS[lamp]}" stroke="${INK}" stroke-width=".18"/>`;
    });
  });
  return line + bars.join("");
}

function litSpans(score: Score, lamp: Lamp, untilMs: number, stepMs: number): [number, number][] {
  const spans: [number, number][] = [];
  let from: number | null = null;
  for (let ms = 0; ms <= untilMs; ms += stepMs) {
    const isLit = ms < untilMs && levelsAt(score, ms).lamps.has(lamp);
    if (isLit) from ??= ms;
    else if (from !== null) {
      spans.push([from, ms]);
      from = null;
    }
  }
  return spans;
}

/** A loudspeaker and its tones: longer is longer, higher is higher. Nothing where there is no sound. */
export function drawSound(tones: readonly Tone[]): string {
  if (tones.length === 0) return "";
  const speaker = `<path d="M0-.55H.7L1.7-1.3V1.3L.7.55H0Z" fill="${INK}"/>`;
  let x = 2.5;
  const notes = tones.map(({ hertz, ms }) => {
    const wide = Math.max(ms / 130, 0.5);
    const y = hertz < 1000 ? 0.95 : hertz < 1600 ? 0 : -0.95;
    const note = `<rect x="${round(x)}" y="${round(y - 0.35)}" width="${round(wide)}" height=".7" rx=".3" fill="${INK}"/>`;
    x += wide + 0.55;
    return note;
  });
  return speaker + notes.join("");
}

/** A telephone that shows a code. Each step's picture is 20 wide and 17 high. */
export function drawPhone(): string {
  return (
    `<rect x="5.4" y="0" width="9.2" height="17" rx="1.6" fill="#fff" stroke="${INK}" stroke-width=".5"/>` +
    `<path d="M8.9 1.3h2.2" stroke="${INK}" stroke-width=".4" stroke-linecap="round"/>` +
    `<rect x="6.3" y="4.9" width="7.4" height="6.6" rx=".8" fill="${INK}"/>` +
    digits("4821", 10, 7.7) +
    digits("3907", 10, 10.5) +
    `<path d="M7.4 13.3h5.2M7.4 14.7h3.4" stroke="${PALE}" stroke-width=".45" stroke-linecap="round"/>`
  );
}

function digits(text: string, x: number, y: number): string {
  return `<text x="${x}" y="${y}" font-size="2.5" font-weight="700" letter-spacing=".22" fill="#fff" text-anchor="middle">${text}</text>`;
}

/** A keypad, its Enter key dark. */
export function drawKeypad(): string {
  const keys = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "", "0", ""].map((label, index) => {
    const x = 2.4 + (index % 3) * 3.7;
    const y = 1.3 + Math.floor(index / 3) * 3.7;
    const cap = `<rect x="${x}" y="${y}" width="3.2" height="3.2" rx=".6" fill="#fff" stroke="${INK}" stroke-width=".3"/>`;
    return label === ""
      ? cap
      : `${cap}<text x="${x + 1.6}" y="${y + 2.35}" font-size="2.2" font-weight="600" fill="${INK}" text-anchor="middle">${label}</text>`;
  });
  return (
    `<rect x="1" y="0" width="18" height="17" rx="1.6" fill="#eef1f5" stroke="${INK}" stroke-width=".5"/>` +
    keys.join("") +
    `<rect x="13.5" y="8.7" width="4.1" height="6.9" rx=".6" fill="${INK}"/>` +
    `<path d="M16.6 10.6v2.3h-2m.8-.8l-.8.8.8.8" fill="none" stroke="#fff" stroke-width=".4" stroke-linecap="round" stroke-linejoin="round"/>`
  );
}

/** A printer with a page coming out. */
export function drawPrinter(): string {
  return (
    `<path d="M5.6 4.6V.6h8.8v4" fill="#fff" stroke="${INK}" stroke-width=".5" stroke-linejoin="round"/>` +
    `<rect x="1.6" y="4.4" width="16.8" height="7.4" rx="1.3" fill="#eef1f5" stroke="${INK}" stroke-width=".5"/>` +
    `<circle cx="15.6" cy="6.6" r=".7" fill="${FILLS.green}" stroke="${INK}" stroke-width=".2"/>` +
    `<path d="M3.9 9.2h12.2" stroke="${INK}" stroke-width=".7" stroke-linecap="round"/>` +
    `<path d="M5.4 9.2h9.2V17H5.4Z" fill="#fff" stroke="${INK}" stroke-width=".5" stroke-linejoin="round"/>` +
    `<path d="M7 11.6h6M7 13.2h6M7 14.8h3.6" stroke="${PALE}" stroke-width=".5" stroke-linecap="round"/>`
  );
}

/** A key's cap with a word or a sign on it; as wide as `wide`. */
export function drawKey(label: string, wide: number): string {
  const cap = `<rect width="${wide}" height="4" rx=".7" y="-2" fill="#fff" stroke="${INK}" stroke-width=".3"/>`;
  const sign =
    label === "⌫"
      ? `<path transform="translate(${wide / 2 - 1.35} 0)" d="M0 0L.95-.95H2.7V.95H.95ZM1.3-.4l.8.8m0-.8l-.8.8" fill="none" stroke="${INK}" stroke-width=".28" stroke-linejoin="round" stroke-linecap="round"/>`
      : `<text x="${wide / 2}" y=".8" font-size="2.3" font-weight="600" fill="${INK}" text-anchor="middle">${label}</text>`;
  return cap + sign;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
