import type { Bitmap } from "./bitmap.ts";
import type { Item, TextItem, TextStyle } from "./paper.ts";
import type { Cell } from "./profile.ts";

/** A character about to be printed. */
export interface Cast {
  readonly text: string;
  readonly style: TextStyle;
  readonly cell: Cell;
  readonly cells: number;
  readonly gap: number;
  readonly glyph: Bitmap | null;
}

/** The line a printer is composing: nothing is on paper yet. */
export class LineBuffer {
  #items: Item[] = [];
  /** Where the next item goes, in dots. */
  x = 0;
  /** Whether anything was put in, spaces included. */
  get empty(): boolean {
    return this.#items.length === 0;
  }

  /** Width a character takes. */
  static widthOf(cast: Cast): number {
    if (cast.cells === 0) return 0;
    const across = cast.style.rotated ? cast.cell.height : cast.cell.width * cast.cells;
    return (across + cast.gap) * cast.style.scaleX;
  }

  /** @param count characters of the cast's width that its text holds */
  addText(cast: Cast, count = 1): void {
    const width = LineBuffer.widthOf(cast) * count;
    const last = this.#items.at(-1);
    if (last?.kind === "text" && continues(last, cast, this.x)) {
      this.#items[this.#items.length - 1] = {
        ...last,
        text: last.text + cast.text,
        width: last.width + width,
      };
    } else {
      const down = cast.style.rotated ? cast.cell.width * cast.cells : cast.cell.height;
      const { text, style, cell, gap, glyph } = cast;
      this.#items.push({
        kind: "text",
        x: this.x,
        width,
        height: down * style.scaleY,
        text,
        style,
        cell,
        gap,
        glyph,
      });
    }
    this.x += width;
  }

  addItem(item: Item): void {
    this.#items.push(item);
    this.x = Math.max(this.x, item.x + item.width);
  }

  /** Moves within the line; never left of its beginning. */
  moveTo(x: number): void {
    this.x = Math.max(0, Math.round(x));
  }

  clear(): void {
    this.#items = [];
    this.x = 0;
  }

  /** The items, and an empty line. */
  take(): Item[] {
    const items = this.#items;
    this.clear();
    return items;
  }
}

function continues(last: TextItem, cast: Cast, x: number): boolean {
  return (
    last.style === cast.style &&
    last.glyph === null &&
    cast.glyph === null &&
    last.gap === cast.gap &&
    last.cell === cast.cell &&
    last.x + last.width === x
  );
}

/** Moves items by what alignment asks for. */
export function alignItems(items: readonly Item[], align: number, left: number, width: number): Item[] {
  const right = items.reduce((most, item) => Math.max(most, item.x + item.width), 0);
  const free = Math.max(0, width - right);
  const shift = left + (align === 1 ? free >> 1 : align === 2 ? free : 0);
  return items.map((item) => ({ ...item, x: item.x + shift }));
}
