import { type Bitmap, createBitmap } from "./bitmap.ts";
import { widthOfCodePoint } from "./character-width.ts";
import font from "./font.json" with { type: "json" };
import { fitGlyph, type GlyphSource } from "./glyph.ts";
import type { Cell } from "./profile.ts";

interface Face {
  readonly width: number;
  readonly height: number;
  readonly bits: Uint8Array;
  readonly index: ReadonlyMap<number, number>;
}

let faces: readonly Face[] | null = null;

/**
 * The bundled bitmap font, at 12 x 24 and 8 x 16: Latin, Greek, Cyrillic, Hebrew, lines and blocks, and every other
 * character of the code pages. Derived from Terminus Font and GNU Unifont under the SIL Open Font License 1.1: see
 * OFL.txt.
 */
export const receiptFont: GlyphSource = {
  glyph(codePoint, cell) {
    faces ??= font.faces.map(openFace);
    const [large, small, other, wide] = faces;
    const best =
      large !== undefined && large.width <= cell.width && large.height <= cell.height ? large : small;
    const glyph = readGlyph(best, codePoint) ?? readGlyph(other, codePoint) ?? readGlyph(wide, codePoint);
    if (glyph === null) return null;
    return fitGlyph(glyph, cell.width * Math.max(1, widthOfCodePoint(codePoint)), cell.height);
  },
};

function openFace(face: (typeof font.faces)[number]): Face {
  const bits = Uint8Array.from(atob(face.bits), (character) => character.charCodeAt(0));
  const index = new Map<number, number>();
  for (const range of face.codePoints.split(" ")) {
    const [from = 0, to = from] = range.split("-").map((hex) => Number.parseInt(hex, 16));
    for (let codePoint = from; codePoint <= to; codePoint += 1) index.set(codePoint, index.size);
  }
  return { width: face.width, height: face.height, bits, index };
}

/** Glyphs lie one after another, without padding between rows. */
function readGlyph(face: Face | undefined, codePoint: number): Bitmap | null {
  const index = face?.index.get(codePoint);
  if (face === undefined || index === undefined) return null;
  const bitmap = createBitmap(face.width, face.height);
  let bit = index * face.width * face.height;
  for (let y = 0; y < face.height; y += 1) {
    for (let x = 0; x < face.width; x += 1, bit += 1) {
      if ((((face.bits[bit >> 3] ?? 0) << (bit & 7)) & 0x80) === 0) continue;
      const at = y * bitmap.stride + (x >> 3);
      bitmap.data[at] = (bitmap.data[at] ?? 0) | (0x80 >> (x & 7));
    }
  }
  return bitmap;
}

/**
 * A font in GNU Unifont's `.hex` format, for scripts the bundled font lacks (CJK, Hebrew, Arabic, Thai).
 *
 * @param text lines of `XXXX:bits`; 8 x 16 or 16 x 16 dots
 */
export function openHexFont(text: string): GlyphSource {
  const glyphs = new Map<number, string>();
  for (const line of text.split("\n")) {
    const colon = line.indexOf(":");
    const bits = line.slice(colon + 1).trim();
    if (colon >= 4 && (bits.length === 32 || bits.length === 64)) {
      glyphs.set(Number.parseInt(line.slice(0, colon), 16), bits);
    }
  }
  return {
    glyph(codePoint: number, cell: Cell): Bitmap | null {
      const bits = glyphs.get(codePoint);
      if (bits === undefined) return null;
      const data = Uint8Array.from(bits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
      const stride = data.length / 16;
      const glyph = { width: stride * 8, height: 16, stride, data };
      return fitGlyph(glyph, cell.width * stride, cell.height);
    },
  };
}
