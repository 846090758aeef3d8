/**
 * The card beside the printer: how to type, and what each light and sound means, as an SVG for printing. Lights and
 * sounds are drawn from the table the panel plays, so that card and panel cannot tell different stories. Pure.
 */
import type { PanelState } from "./panel.ts";
import {
  drawKey,
  drawKeypad,
  drawLamps,
  drawPhone,
  drawPrinter,
  drawRhythm,
  drawSound,
  INK,
  LAMPS_WIDE,
  PALE,
} from "./panel-card-pictures.ts";
import { fitText, textWide } from "./panel-card-text.ts";
import { CARD_WORDS, type CardKind, type CardLanguage, type CardWords } from "./panel-card-words.table.ts";
import { SILENT_SCORE, showState } from "./panel-score.ts";
import { PANEL_SIGNALS } from "./panel-signals.table.ts";

/** Width and height in millimetres. */
export const CARD_SIZES = { a6: [105, 148], a5: [148, 210], a4: [210, 297] } as const;

export type CardSize = keyof typeof CARD_SIZES;

export const CARD_LANGUAGES = Object.keys(CARD_WORDS) as CardLanguage[];

export interface CardOptions {
  /** The first is printed bold. */
  readonly languages: readonly CardLanguage[];
  readonly size: CardSize;
  /** At the top: the printer's name. */
  readonly title: string;
}

/** In the order in which a person meets them: what happens to an entry, then what happens to the equipment. */
const SHOWN: readonly (PanelState & { readonly kind: CardKind })[] = [
  { kind: "ready", held: 0 },
  { kind: "entering", entered: 4, idleWarning: false },
  { kind: "checking" },
  { kind: "printing", printer: "", second: false },
  { kind: "take-pages", printer: "", confirmed: true },
  { kind: "accepted-waiting" },
  { kind: "not-accepted" },
  { kind: "wait", seconds: 60 },
  { kind: "printer-care", printer: "", reason: "paper" },
  { kind: "paused", printer: "", reason: "paper", otpNeeded: false },
  { kind: "broker-away", held: 0 },
  { kind: "locked" },
  { kind: "starting", step: "clock" },
  { kind: "broken", what: "" },
];
/** Where the rows about the equipment begin. */
const EQUIPMENT = SHOWN.findIndex(({ kind }) => kind === "printer-care");

const MARGIN = 5;
const RHYTHM_WIDE = 12;
const RHYTHM_SECONDS = 8;
const SOUND_WIDE = 8;
const LINE = 1.2;
const HEADER = 11;
const PICTURES = 19;
/** In millimetres on paper: 6 points, and as large as looks well. */
const SMALLEST_FONT = 2.1;
const LARGEST_FONT = 3.2;
/** Words narrower than this break at every second one. */
const COLUMN_WIDE = 36;
/** Larger paper gets larger pictures, or more words. */
const SCALES = [2, Math.SQRT2, 1.2, 1];

/** What does not depend on the layout, drawn once. */
const SIGNS = SHOWN.map((state) => {
  const { light, sounds } = PANEL_SIGNALS[state.kind];
  return {
    lamps: drawLamps(new Set(light.pattern === "off" ? [] : light.lamps)),
    rhythm: drawRhythm(showState(SILENT_SCORE, state, 0), RHYTHM_WIDE, RHYTHM_SECONDS),
    sound: drawSound(sounds.flatMap(({ tones }) => tones)),
  };
});

interface Layout {
  readonly wide: number;
  readonly high: number;
  /** Millimetres per em of the words. */
  readonly font: number;
  /** The lines of the same text in several languages; `first` is the place of the first of them among all. */
  readonly wrap: (texts: readonly string[], room: number, first?: number) => Line[];
}

interface Line {
  readonly text: string;
  readonly isFirst: boolean;
}

/** Null where so many languages do not fit on that size in letters one can read. */
export function drawCard({ languages, size, title }: CardOptions): string | null {
  const words = languages.map((language): CardWords => CARD_WORDS[language]);
  let best: { readonly card: string; readonly font: number } | null = null;
  for (const scale of SCALES) {
    const [wide, high] = CARD_SIZES[size].map((mm) => mm / scale) as [number, number];
    for (let font = LARGEST_FONT; font * scale >= SMALLEST_FONT; font -= 0.05) {
      const body = layCard(layoutOf(wide, high, font), words, title);
      if (body === null) continue;
      if (best === null || font * scale > best.font)
        best = { card: wrapSvg(body, size, scale, title), font: font * scale };
      break;
    }
  }
  return best?.card ?? null;
}

function layoutOf(wide: number, high: number, font: number): Layout {
  const wrap = (texts: readonly string[], room: number, first = 0) =>
    texts.flatMap((text, index) => {
      const isFirst = first + index === 0;
      return fitText(text, room, font, isFirst).map((line) => ({ text: line, isFirst }));
    });
  return { wide, high, font, wrap };
}

function wrapSvg(body: string, size: CardSize, scale: number, title: string): string {
  const [wide, high] = CARD_SIZES[size];
  const fonts = "'Noto Sans','Open Sans','DejaVu Sans',Arial,sans-serif";
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${wide}mm" height="${high}mm" viewBox="0 0 ${round(wide / scale)} ${round(high / scale)}" font-family="${fonts}">`,
    `<title>${escapeXml(title)}</title>`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    body,
    "</svg>\n",
  ].join("\n");
}

/** Null where it does not fit. */
function layCard(layout: Layout, words: readonly CardWords[], title: string): string | null {
  const { wide, high } = layout;
  const steps = laySteps(layout, words, HEADER + 3.5);
  const keys = layKeys(layout, words, steps.bottom + 3);
  const rows = layRows(layout, words, keys.bottom + 3);
  if (rows.bottom > high - 3.5) return null;
  // What is left over goes between the parts, so that the card is full at any number of languages.
  const spare = Math.min((high - 4 - rows.bottom) / 3, 6);
  const shift = (part: string, by: number) => `<g transform="translate(0 ${round(by)})">${part}</g>`;
  return [
    drawHeader(wide, title),
    shift(steps.svg, spare * 0.7),
    shift(keys.svg, spare * 1.5),
    shift(rows.svg, spare * 2.5),
  ].join("\n");
}

function drawHeader(wide: number, title: string): string {
  const size = Math.min(5.4, ((wide - 2 * MARGIN) / textWide(title, true)) * 0.95);
  return (
    `<path d="M0 0H${wide}V${HEADER}H0Z" fill="${INK}"/>` +
    `<text x="${wide / 2}" y="${HEADER / 2 + size * 0.36}" font-size="${round(size)}" font-weight="700" fill="#fff" text-anchor="middle">${escapeXml(title)}</text>`
  );
}

interface Part {
  readonly svg: string;
  readonly bottom: number;
}

/** Three pictures with an arrow between them, the words below each. */
function laySteps(layout: Layout, words: readonly CardWords[], top: number): Part {
  const column = (layout.wide - 2 * MARGIN) / 3;
  const pictures = [drawPhone(), drawKeypad(), drawPrinter()];
  let bottom = top;
  const svg = pictures.map((picture, step) => {
    const centre = MARGIN + column * (step + 0.5);
    const texts = words.map(({ steps }) => steps[step] ?? "");
    const lines = layout.wrap(texts, column - 1.5);
    const below = top + PICTURES + layout.font;
    bottom = Math.max(bottom, below + (lines.length - 1) * layout.font * LINE);
    const arrow = `<path d="M${round(centre + column / 2 - 2)} ${top + 8.5}h3.4m-1.5-1.5l1.5 1.5-1.5 1.5" fill="none" stroke="${INK}" stroke-width=".6" stroke-linecap="round" stroke-linejoin="round"/>`;
    return (
      `<g transform="translate(${round(centre - 10)} ${top})">${picture}</g>` +
      (step < 2 ? arrow : "") +
      drawLines(lines, centre, below, layout.font, "middle")
    );
  });
  return { svg: svg.join("\n"), bottom };
}

/** What the three keys that are no digits do. */
function layKeys(layout: Layout, words: readonly CardWords[], top: number): Part {
  const caps = [
    ["Enter  #", 11],
    ["⌫", 6],
    ["−  *  Esc", 12],
  ] as const;
  const column = (layout.wide - 2 * MARGIN) / 3;
  let bottom = top + 4;
  const svg = caps.map(([label, wide], index) => {
    const x = MARGIN + column * index;
    const lines = layout.wrap(
      words.map(({ keys }) => keys[index] ?? ""),
      column - wide - 3,
    );
    const high = Math.max(4, lines.length * layout.font * LINE);
    bottom = Math.max(bottom, top + high);
    return (
      `<g transform="translate(${round(x)} ${round(top + 2)})">${drawKey(label, wide)}</g>` +
      drawLines(
        lines,
        x + wide + 1.5,
        top + (lines.length === 1 ? 2 + layout.font * 0.35 : layout.font),
        layout.font,
      )
    );
  });
  return { svg: svg.join("\n"), bottom };
}

/** One row per state: which lamp, how it blinks, how it sounds, what it means. */
function layRows(layout: Layout, words: readonly CardWords[], top: number): Part {
  const rhythmAt = MARGIN + LAMPS_WIDE + 1.5;
  const soundAt = rhythmAt + RHYTHM_WIDE + 2;
  const textAt = soundAt + SOUND_WIDE + 2;
  const room = layout.wide - MARGIN - textAt;
  const columns = columnsOf(words, room);
  const columnWide = room / columns.length;
  const scale = `<text x="${rhythmAt + RHYTHM_WIDE}" y="${round(top - 0.6)}" font-size="1.7" fill="#6d7784" text-anchor="end">${RHYTHM_SECONDS} s</text>`;
  let y = top;
  const rows = SHOWN.map((state, index) => {
    const blocks = columns.map(({ first, languages }) =>
      layout.wrap(
        languages.map(({ states }) => states[state.kind]),
        columnWide - (columns.length > 1 ? 2 : 0),
        first,
      ),
    );
    const longest = Math.max(...blocks.map(({ length }) => length));
    const high = Math.max(5.1, longest * layout.font * LINE + 1.1);
    if (index === EQUIPMENT) y += 1.4;
    const middle = y + high / 2;
    const at = (x: number, drawing: string) =>
      `<g transform="translate(${round(x)} ${round(middle)})">${drawing}</g>`;
    const texts = blocks.map((lines, column) => {
      const baseline = middle - ((lines.length - 1) * layout.font * LINE) / 2 + layout.font * 0.36;
      return drawLines(lines, textAt + column * columnWide, baseline, layout.font);
    });
    const row =
      drawShade(layout.wide, y, high, index >= EQUIPMENT) +
      at(MARGIN, SIGNS[index]?.lamps ?? "") +
      at(rhythmAt, SIGNS[index]?.rhythm ?? "") +
      at(soundAt, SIGNS[index]?.sound ?? "") +
      texts.join("");
    y += high;
    return row;
  });
  return { svg: [scale, ...rows].join("\n"), bottom: y };
}

/** As many columns of languages as have room beside each other, filled from the left. */
function columnsOf(words: readonly CardWords[], room: number) {
  const count = Math.max(1, Math.min(Math.floor(room / COLUMN_WIDE), words.length));
  const each = Math.ceil(words.length / count);
  return Array.from({ length: Math.ceil(words.length / each) }, (_, column) => ({
    first: column * each,
    languages: words.slice(column * each, (column + 1) * each),
  }));
}

function drawShade(wide: number, y: number, high: number, isEquipment: boolean): string {
  const [left, right] = [MARGIN - 2, wide - MARGIN + 2];
  const shade = isEquipment
    ? `<path d="M${left} ${round(y)}H${round(right)}V${round(y + high)}H${left}Z" fill="#f1f4f7"/>`
    : "";
  return `${shade}<path d="M${left} ${round(y)}H${round(right)}" stroke="${PALE}" stroke-width=".15"/>`;
}

function drawLines(
  lines: readonly Line[],
  x: number,
  firstBaseline: number,
  font: number,
  anchor: "start" | "middle" = "start",
): string {
  return lines
    .map(({ text, isFirst }, index) => {
      const y = round(firstBaseline + index * font * LINE);
      const weight = isFirst ? `font-weight="700" fill="${INK}"` : `fill="#3c4653"`;
      const align = anchor === "middle" ? ' text-anchor="middle"' : "";
      return `<text x="${round(x)}" y="${y}" font-size="${round(font)}" ${weight}${align}>${escapeXml(text)}</text>`;
    })
    .join("");
}

function escapeXml(text: string): string {
  return text
    .replaceAll(/[\x00-\x1f\x7f]/g, " ")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;");
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
