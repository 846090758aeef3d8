import { type Bitmap, toColumns } from "./bitmap.ts";
import type { ByteWriter } from "./byte-writer.ts";
import { widthOfCodePoint } from "./character-width.ts";
import type { CjkTable } from "./cjk.ts";
import type { GlyphSource } from "./glyph.ts";
import type { Cell } from "./profile.ts";
import type { Repertoire } from "./repertoire.ts";

/** How text is to be written. */
export interface TextSetting {
  readonly repertoire: Repertoire;
  /** Draws what no code page holds; without one, such characters are replaced. */
  readonly glyphs: GlyphSource | null;
  readonly cell: Cell;
  /** Whether characters are enlarged: drawn ones then go through the printer's own character generator. */
  readonly enlarged: boolean;
}

const ESC = 0x1b;
const FS = 0x1c;
const REPLACEMENT = 0x3f;

/** Typographic characters whose ASCII form is understood by all. */
const PLAIN: Readonly<Record<number, string>> = {
  8216: "'",
  8217: "'",
  8220: '"',
  8221: '"',
  8211: "-",
  8212: "-",
  8230: "...",
  8364: "EUR",
  8226: "*",
  215: "x",
  8722: "-",
};

/** Text in composed form, without controls, invisible characters and exotic spaces. */
export function cleanText(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text)) return text;
  return text
    .normalize("NFC")
    .replace(/[\t\u00a0\u1680\u2000-\u200a\u202f\u205f]/g, " ")
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, "");
}

/**
 * Writes text so that the printer prints these characters: switches code pages as seldom as can be, CJK by the
 * printer's own set, what is left as drawn characters. No byte below 0x20 is ever written as a character.
 *
 * @param page number the printer's code page has now, or `null` when not known
 * @returns the number it has afterwards
 */
export function writeText(
  clean: string,
  page: number | null,
  setting: TextSetting,
  out: ByteWriter,
): number | null {
  const { repertoire } = setting;
  let current = repertoire.pageOf(page);
  for (let at = 0; at < clean.length; ) {
    const codePoint = clean.codePointAt(at) as number;
    if (codePoint < 0x80) {
      if (codePoint >= 0x20 && codePoint < 0x7f) out.push(codePoint);
      at += 1;
      continue;
    }
    let byte = current?.page.bytes.get(codePoint);
    const wide =
      repertoire.cjk !== null && widthOfCodePoint(codePoint) === 2 && repertoire.cjk.bytes.has(codePoint);
    if (wide) byte = undefined;
    else if (byte === undefined && repertoire.homesOf(codePoint) !== null) {
      current = repertoire.bestPage(clean, at);
      byte = current?.page.bytes.get(codePoint) ?? REPLACEMENT;
      out.write(ESC, 0x74, current?.number ?? 0);
    }
    if (byte !== undefined) out.push(byte);
    else if (repertoire.cjk?.bytes.has(codePoint) === true) {
      at = writeCjk(clean, at, repertoire.cjk, out);
      continue;
    } else writeOther(codePoint, setting, out);
    at += codePoint > 0xffff ? 2 : 1;
  }
  return current?.number ?? page;
}

/** Writes characters of the printer's multi-byte set while they last; returns where they end. */
function writeCjk(text: string, from: number, table: CjkTable, out: ByteWriter): number {
  let at = from;
  // Outside of such runs the system is JIS, where single bytes from 0x80 are the code page's.
  if (table.charset === "shift_jis") out.write(FS, 0x43, 1);
  out.write(FS, 0x26);
  while (at < text.length) {
    const codePoint = text.codePointAt(at) as number;
    const pair = table.bytes.get(codePoint);
    if (pair === undefined) break;
    out.write(pair >> 8, pair & 0xff);
    at += codePoint > 0xffff ? 2 : 1;
  }
  out.write(FS, 0x2e);
  if (table.charset === "shift_jis") out.write(FS, 0x43, 0);
  return at;
}

/** A character the printer does not have: drawn, or spelled in ASCII, or a question mark. */
function writeOther(codePoint: number, setting: TextSetting, out: ByteWriter): void {
  const width = widthOfCodePoint(codePoint);
  if (width === 0) return;
  const glyph = setting.glyphs?.glyph(codePoint, setting.cell) ?? null;
  if (glyph !== null && setting.cell.height <= 24) {
    if (setting.enlarged) writeUserCharacters(glyph, out);
    else writeInlineImage(glyph, out);
    return;
  }
  const plain = PLAIN[codePoint] ?? decompose(codePoint);
  if (plain === null) for (let cell = 0; cell < width; cell += 1) out.push(REPLACEMENT);
  else for (const character of plain) out.push(character.charCodeAt(0));
}

/** The letter under accents, or the ASCII form of a compatibility character. */
function decompose(codePoint: number): string | null {
  const base = String.fromCodePoint(codePoint).normalize("NFKD").replace(/\p{M}/gu, "");
  return /^[\x20-\x7e]+$/.test(base) ? base : null;
}

/** `ESC * 33`: 24 dots high, at the place in the line where the character would stand. */
function writeInlineImage(glyph: Bitmap, out: ByteWriter): void {
  out.write(ESC, 0x2a, 33, glyph.width & 0xff, glyph.width >> 8);
  out.append(toColumns(glyph, 0, 3));
}

const FIRST_SLOT = 0x7d;

/** `ESC &`: defines the character (or its two halves) and prints it, so that size and style apply. */
function writeUserCharacters(glyph: Bitmap, out: ByteWriter): void {
  const halves = glyph.width > 12 ? 2 : 1;
  const columns = Math.ceil(glyph.width / halves);
  const last = FIRST_SLOT + halves - 1;
  out.write(ESC, 0x26, 3, FIRST_SLOT, last);
  for (let half = 0; half < halves; half += 1) {
    out.push(columns);
    out.append(toColumns(glyph, 0, 3, half * columns, columns));
  }
  out.write(ESC, 0x25, 1);
  for (let slot = FIRST_SLOT; slot <= last; slot += 1) out.push(slot);
  out.write(ESC, 0x25, 0);
}
