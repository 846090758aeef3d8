import {
  type Bitmap,
  createBitmap,
  dotAt,
  drawBitmap,
  fillRect,
  invertRect,
  rotateRight,
  setDot,
} from "./bitmap.ts";
import { widthOfCodePoint } from "./character-width.ts";
import type { GlyphSource } from "./glyph.ts";
import {
  CODE_TEXT_HEIGHT,
  type CodeItem,
  type Item,
  type Line,
  type PageItem,
  type TextItem,
} from "./paper.ts";
import type { Cell } from "./profile.ts";

const LABEL_CELL: Cell = { width: 12, height: 24 };

/**
 * Draws lines as dots. Its work is bounded: a few bytes of a stream can ask for the same large image again and again.
 */
export class Press {
  readonly #glyphs: GlyphSource;
  readonly #cache = new Map<string, Bitmap | null>();
  #budget: number;

  /** @param budget dots it may touch before it stops */
  constructor(glyphs: GlyphSource, budget: number) {
    this.#glyphs = glyphs;
    this.#budget = budget;
  }

  get exhausted(): boolean {
    return this.#budget <= 0;
  }

  /** Draws a line with its upper edge at `top`. */
  drawLine(target: Bitmap, line: Line, top: number): void {
    if (!line.upsideDown) {
      for (const item of line.items) this.#drawItem(target, item, top + line.height - item.height);
      return;
    }
    const strip = createBitmap(target.width, line.height);
    for (const item of line.items) this.#drawItem(strip, item, line.height - item.height);
    for (let y = 0; y < strip.height; y += 1) {
      for (let x = 0; x < strip.width; x += 1) {
        if (dotAt(strip, x, y)) setDot(target, target.width - 1 - x, top + strip.height - 1 - y);
      }
    }
  }

  #drawItem(target: Bitmap, item: Item, y: number): void {
    this.#budget -= Math.min(item.width, target.width) * item.height + 1;
    if (this.exhausted) return;
    switch (item.kind) {
      case "text":
        this.#drawText(target, item, y);
        break;
      case "image":
        drawImage(target, item.draw(), item.x, y, item.scaleX, item.scaleY);
        break;
      case "code":
        this.#drawCode(target, item, y);
        break;
      case "page":
        this.#drawPage(target, item, y);
        break;
    }
  }

  #drawText(target: Bitmap, item: TextItem, y: number): void {
    const { style, cell } = item;
    let x = item.x;
    for (const character of item.text) {
      const codePoint = character.codePointAt(0) ?? 0;
      const cells = item.glyph === null ? widthOfCodePoint(codePoint) : 1;
      let glyph = item.glyph ?? this.#glyph(codePoint, cell, cells);
      if (style.bold) glyph = embolden(glyph);
      if (style.rotated) glyph = rotateRight(glyph);
      // A mark has no cell of its own: it is drawn over the character before.
      const back = cells === 0 ? cell.width * style.scaleX : 0;
      drawBitmap(target, glyph, x - back, y, style.scaleX, style.scaleY);
      if (cells === 0) continue;
      const across = style.rotated ? cell.height : cell.width * cells;
      x += (across + item.gap) * style.scaleX;
    }
    if (style.underline > 0 && !style.rotated && !style.invert) {
      fillRect(target, item.x, y + item.height - style.underline, item.width, style.underline);
    }
    if (style.invert) invertRect(target, item.x, y, item.width, item.height);
  }

  /** A character's picture; an outlined box for one the font lacks. */
  #glyph(codePoint: number, cell: Cell, cells: number): Bitmap {
    const key = `${codePoint} ${cell.width} ${cell.height}`;
    let glyph = this.#cache.get(key);
    if (glyph === undefined) {
      glyph = this.#glyphs.glyph(codePoint, cell) ?? missingGlyph(codePoint, cell.width * cells, cell.height);
      if (this.#cache.size < 4096) this.#cache.set(key, glyph);
    }
    return glyph ?? createBitmap(cell.width, cell.height);
  }

  #drawCode(target: Bitmap, item: CodeItem, y: number): void {
    const above = item.textAbove ? CODE_TEXT_HEIGHT : 0;
    const below = item.textBelow ? CODE_TEXT_HEIGHT : 0;
    const barsHeight = item.height - above - below;
    const bitmap = item.draw();
    if (bitmap !== null) drawImage(target, bitmap, item.x, y + above, 1, 1);
    else {
      outline(target, item.x, y + above, item.width, barsHeight);
      this.#label(target, item.symbology, item.x, y + above + 4, item.width);
    }
    if (item.textAbove) this.#label(target, item.text, item.x, y, item.width);
    if (item.textBelow) this.#label(target, item.text, item.x, y + item.height - below, item.width);
  }

  /** Text centred under (or in) something `width` dots wide. */
  #label(target: Bitmap, text: string, x: number, y: number, width: number): void {
    const shown = Array.from(text).slice(0, 64);
    let at = x + ((width - shown.length * LABEL_CELL.width) >> 1);
    for (const character of shown) {
      drawBitmap(target, this.#glyph(character.codePointAt(0) ?? 0, LABEL_CELL, 1), at, y);
      at += LABEL_CELL.width;
    }
  }

  #drawPage(target: Bitmap, page: PageItem, y: number): void {
    for (const area of page.areas) {
      const sideways = area.direction % 2 === 1;
      this.#budget -= area.width * Math.min(area.height, page.height);
      if (this.exhausted) return;
      const height = Math.min(area.height, page.height - area.y);
      let sheet = sideways ? createBitmap(height, area.width) : createBitmap(area.width, height);
      for (const line of area.lines) this.drawLine(sheet, line, line.top);
      const turns = [0, 3, 2, 1][area.direction] ?? 0;
      for (let turn = 0; turn < turns; turn += 1) sheet = rotateRight(sheet);
      drawImage(target, sheet, area.x, y + area.y, 1, 1);
    }
  }
}

/** Images are often as wide as the paper and begin on a byte: then whole bytes are set. */
function drawImage(
  target: Bitmap,
  source: Bitmap,
  x: number,
  y: number,
  scaleX: number,
  scaleY: number,
): void {
  const plain = scaleX === 1 && scaleY === 1 && x % 8 === 0 && y >= 0;
  if (!plain) {
    drawBitmap(target, source, x, y, scaleX, scaleY);
    return;
  }
  const columns = Math.min(source.stride, target.stride - (x >> 3));
  const spare = target.width & 7;
  for (let row = 0; row < source.height && y + row < target.height; row += 1) {
    const from = row * source.stride;
    const to = (y + row) * target.stride + (x >> 3);
    for (let column = 0; column < columns; column += 1) {
      const last = spare !== 0 && (x >> 3) + column === target.stride - 1;
      const mask = last ? 0xff << (8 - spare) : 0xff;
      target.data[to + column] = (target.data[to + column] ?? 0) | ((source.data[from + column] ?? 0) & mask);
    }
  }
}

/** Thermal printers print bold by heating each dot and its right neighbour. */
function embolden(glyph: Bitmap): Bitmap {
  const bold = createBitmap(glyph.width, glyph.height);
  drawBitmap(bold, glyph, 0, 0);
  drawBitmap(bold, glyph, 1, 0);
  return bold;
}

function missingGlyph(codePoint: number, width: number, height: number): Bitmap {
  const bitmap = createBitmap(Math.max(1, width), height);
  if (width > 0 && codePoint !== 0x20 && codePoint !== 0xa0)
    outline(bitmap, 1, 3, Math.max(3, width - 2), height - 6);
  return bitmap;
}

function outline(target: Bitmap, x: number, y: number, width: number, height: number): void {
  fillRect(target, x, y, width, 1);
  fillRect(target, x, y + height - 1, width, 1);
  fillRect(target, x, y, 1, height);
  fillRect(target, x + width - 1, y, 1, height);
}
