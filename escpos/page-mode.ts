import type { CommandOfKind } from "./command.ts";
import { LineBuffer } from "./line-buffer.ts";
import type { Item, Line, PageArea, PageItem } from "./paper.ts";

const MAX_HEIGHT = 4096;

/** Page mode: lines are placed in areas, and nothing is printed until the page is. */
export class PageMode {
  readonly line = new LineBuffer();
  readonly #width: number;
  #areas: PageArea[] = [];
  #lines: Line[] = [];
  #area: { x: number; y: number; width: number; height: number };
  #direction = 0;
  #y = 0;

  constructor(width: number) {
    this.#width = width;
    this.#area = { x: 0, y: 0, width, height: MAX_HEIGHT };
  }

  /** Dots of a line, in the present direction. */
  get lineWidth(): number {
    return this.#direction % 2 === 0 ? this.#area.width : this.#area.height;
  }

  /** Ends the line being composed and moves down. */
  feed(lineSpacing: number): void {
    const height = this.#placeLine();
    this.#y += Math.max(height, lineSpacing);
  }

  moveTo(y: number): void {
    this.#placeLine();
    this.#y = Math.max(0, Math.min(MAX_HEIGHT, Math.round(y)));
  }

  moveBy(dy: number): void {
    this.moveTo(this.#y + dy);
  }

  setDirection(direction: number): void {
    this.#closeArea();
    this.#direction = (direction % 48) & 3;
  }

  setArea(command: CommandOfKind<"page-area">, unitX: number, unitY: number): void {
    this.#closeArea();
    const x = Math.min(this.#width - 1, Math.round(command.x * unitX));
    const y = Math.min(MAX_HEIGHT - 1, Math.round(command.y * unitY));
    this.#area = {
      x,
      y,
      width: Math.max(1, Math.min(this.#width - x, Math.round(command.width * unitX))),
      height: Math.max(1, Math.min(MAX_HEIGHT - y, Math.round(command.height * unitY))),
    };
  }

  /** Erases what lies in the present area (`CAN`). */
  cancel(): void {
    this.line.clear();
    this.#lines = [];
    this.#y = 0;
  }

  /** The page as it is now. It stays: `ESC FF` may print it again. */
  page(): PageItem {
    this.#closeArea();
    const height = this.#areas.reduce((most, area) => Math.max(most, area.y + usedHeight(area)), 0);
    return { kind: "page", x: 0, width: this.#width, height, areas: this.#areas };
  }

  #placeLine(): number {
    const x = this.line.x;
    const items: Item[] = this.line.take();
    if (items.length === 0) return 0;
    const height = items.reduce((most, item) => Math.max(most, item.height), 0);
    // A character's lower edge stands on the position: text is drawn upwards from it.
    this.#lines.push({ top: this.#y, height, items, upsideDown: false });
    this.line.x = x;
    return height;
  }

  #closeArea(): void {
    this.#placeLine();
    this.line.clear();
    this.#y = 0;
    if (this.#lines.length === 0) return;
    this.#areas = [...this.#areas, { ...this.#area, direction: this.#direction, lines: this.#lines }];
    this.#lines = [];
  }
}

/** Of an area as high as can be, only what is used; else all of it. */
function usedHeight(area: PageArea): number {
  if (area.height < MAX_HEIGHT) return area.height;
  if (area.direction % 2 === 1) return area.lines.reduce((most, line) => Math.max(most, lineEnd(line)), 0);
  return area.lines.reduce((most, line) => Math.max(most, line.top + line.height), 0);
}

const lineEnd = (line: Line): number =>
  line.items.reduce((most, item) => Math.max(most, item.x + item.width), 0);
