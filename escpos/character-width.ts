import { WIDE_RANGES } from "./east-asian-width.table.ts";

let starts: Uint32Array | null = null;
let ends: Uint32Array | null = null;

function loadRanges(): readonly [Uint32Array, Uint32Array] {
  if (starts === null || ends === null) {
    const pairs = WIDE_RANGES.split(" ").map((range) =>
      range.split("-").map((hex) => Number.parseInt(hex, 16)),
    );
    starts = Uint32Array.from(pairs, (pair) => pair[0] ?? 0);
    ends = Uint32Array.from(pairs, (pair) => pair[1] ?? pair[0] ?? 0);
  }
  return [starts, ends];
}

const FIRST_WIDE = 0x1100;
const INVISIBLE = /^[\p{Mn}\p{Me}\p{Cf}\p{Cc}\p{Zl}\p{Zp}]$/u;

/** Cells a code point takes on paper: 2 for East Asian wide characters, 0 for combining and invisible ones, else 1. */
export function widthOfCodePoint(codePoint: number): 0 | 1 | 2 {
  if (codePoint < 0x300)
    return codePoint >= 0x20 && (codePoint < 0x7f || codePoint >= 0xa0) && codePoint !== 0xad ? 1 : 0;
  if (isWide(codePoint)) return 2;
  return INVISIBLE.test(String.fromCodePoint(codePoint)) ? 0 : 1;
}

function isWide(codePoint: number): boolean {
  if (codePoint < FIRST_WIDE) return false;
  const [from, to] = loadRanges();
  let low = 0;
  let high = from.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (codePoint < (from[middle] ?? 0)) high = middle - 1;
    else if (codePoint > (to[middle] ?? 0)) low = middle + 1;
    else return true;
  }
  return false;
}

/** Cells a text takes on paper. */
export function widthOfText(text: string): number {
  let width = 0;
  for (let at = 0; at < text.length; at += 1) {
    const codePoint = text.codePointAt(at) as number;
    width += widthOfCodePoint(codePoint);
    if (codePoint > 0xffff) at += 1;
  }
  return width;
}
