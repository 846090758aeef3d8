import { type Bitmap, createBitmap, dotAt, drawBitmap, setDot } from "./bitmap.ts";
import type { Cell } from "./profile.ts";

/** Where pictures of characters come from: the bundled font, a `.hex` font, or one of your own. */
export interface GlyphSource {
  /**
   * The picture of a character, fitted to a cell (wide characters to two cells side by side); `null` when the source
   * does not have it.
   */
  glyph(codePoint: number, cell: Cell): Bitmap | null;
}

/** Fits a glyph to a cell: centred when it is smaller, scaled when it is not or when it is much smaller. */
export function fitGlyph(glyph: Bitmap, width: number, height: number): Bitmap {
  if (glyph.width === width && glyph.height === height) return glyph;
  const fits = glyph.width <= width && glyph.height <= height;
  const close = glyph.width * 4 > width * 3 && glyph.height * 4 > height * 3;
  const fitted = createBitmap(width, height);
  if (fits && close) {
    drawBitmap(fitted, glyph, (width - glyph.width) >> 1, (height - glyph.height) >> 1);
    return fitted;
  }
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const fromX = Math.floor(((x + 0.5) * glyph.width) / width);
      const fromY = Math.floor(((y + 0.5) * glyph.height) / height);
      if (dotAt(glyph, fromX, fromY)) setDot(fitted, x, y);
    }
  }
  return fitted;
}

/** Asks several sources in turn. */
export function chainGlyphs(...sources: readonly GlyphSource[]): GlyphSource {
  return {
    glyph(codePoint, cell) {
      for (const source of sources) {
        const glyph = source.glyph(codePoint, cell);
        if (glyph !== null) return glyph;
      }
      return null;
    },
  };
}
