import { widthOfCodePoint, widthOfText } from "./character-width.ts";

const PLAIN = /^[\x20-\x7e\xa1-\xac\xae-\u02ff]*$/;

/**
 * Breaks text into lines of at most so many cells, at spaces, or inside words that are longer than a line; wide
 * characters may be broken between. Line feeds break too.
 *
 * @param first cells left on the first line
 */
export function wrapText(text: string, columns: number, first = columns): string[] {
  // Most lines fit.
  if (text.length <= first && PLAIN.test(text)) return [text];
  const lines: string[] = [];
  for (const paragraph of text.split("\n")) {
    wrapParagraph(paragraph, columns, lines.length === 0 ? first : columns, lines);
  }
  return lines;
}

function wrapParagraph(paragraph: string, columns: number, first: number, lines: string[]): void {
  let line = "";
  let used = 0;
  let room = first;
  const flush = (): void => {
    lines.push(line.trimEnd());
    line = "";
    used = 0;
    room = columns;
  };
  for (const piece of breakable(paragraph)) {
    const width = widthOfText(piece.trimEnd());
    if (used + width > room && (used > 0 || room < columns)) flush();
    if (width <= room) {
      line += piece;
      used += widthOfText(piece);
      continue;
    }
    for (const character of piece) {
      const cells = widthOfCodePoint(character.codePointAt(0) ?? 0);
      if (used + cells > room && used > 0) flush();
      line += character;
      used += cells;
    }
  }
  lines.push(used > room ? line.trimEnd() : line);
}

/** Words with the spaces after them; every wide character may end a line, so each is a piece by itself. */
function breakable(text: string): string[] {
  const pieces: string[] = [];
  for (const word of text.match(/ *[^ ]+ *| +/g) ?? []) {
    let piece = "";
    for (const character of word) {
      const wide = widthOfCodePoint(character.codePointAt(0) ?? 0) === 2;
      if (wide && piece !== "" && piece.trim() !== "") {
        pieces.push(piece);
        piece = "";
      }
      piece += character;
      if (wide) {
        pieces.push(piece);
        piece = "";
      }
    }
    if (piece !== "") pieces.push(piece);
  }
  return pieces;
}

export type Alignment = "left" | "center" | "right";

/** Pads text to a width; what is too wide is cut at a character. */
function padText(text: string, columns: number, align: Alignment): string {
  let width = widthOfText(text);
  let kept = text;
  while (width > columns) {
    kept = Array.from(kept).slice(0, -1).join("");
    width = widthOfText(kept);
  }
  const space = columns - width;
  const left = align === "left" ? 0 : align === "right" ? space : space >> 1;
  return " ".repeat(left) + kept + " ".repeat(space - left);
}

/** A column of a table. */
export interface Column {
  /** Cells; without it, what the others leave is shared. */
  readonly width?: number;
  readonly align?: Alignment;
}

/**
 * Sets rows in columns, wrapping each cell; one blank between columns.
 *
 * @throws {TypeError} when the columns are wider than the line
 */
export function layTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  total: number,
): string[] {
  const widths = shareWidths(columns, total);
  const lines: string[] = [];
  for (const row of rows) {
    const cells = columns.map((_, index) => wrapText(row[index] ?? "", widths[index] ?? 1));
    const height = Math.max(1, ...cells.map((cell) => cell.length));
    for (let line = 0; line < height; line += 1) {
      const parts = cells.map((cell, index) =>
        padText(cell[line] ?? "", widths[index] ?? 1, columns[index]?.align ?? "left"),
      );
      lines.push(parts.join(" "));
    }
  }
  return lines;
}

function shareWidths(columns: readonly Column[], total: number): number[] {
  const fixed = columns.reduce((sum, column) => sum + (column.width ?? 0), 0);
  const open = columns.filter((column) => column.width === undefined).length;
  const left = total - fixed - (columns.length - 1);
  if (left < open || (open === 0 && left < 0)) {
    throw new TypeError(`The columns take ${total - left} of ${total} characters: make them narrower`);
  }
  let remaining = left;
  let sharers = open;
  return columns.map((column) => {
    if (column.width !== undefined) return column.width;
    const share = Math.ceil(remaining / sharers);
    remaining -= share;
    sharers -= 1;
    return share;
  });
}
