import type { Bitmap } from "./bitmap.ts";
import type { Cell } from "./profile.ts";

/** How characters look. The same object stands for the same look. */
export interface TextStyle {
  readonly font: number;
  readonly bold: boolean;
  readonly underline: 0 | 1 | 2;
  readonly invert: boolean;
  readonly rotated: boolean;
  readonly upsideDown: boolean;
  readonly scaleX: number;
  readonly scaleY: number;
  readonly colour: number;
}

interface Placed {
  /** Dots from the left edge of the printable area. */
  readonly x: number;
  readonly width: number;
  readonly height: number;
}

/** Characters in one style, side by side. */
export interface TextItem extends Placed {
  readonly kind: "text";
  readonly text: string;
  readonly style: TextStyle;
  /** Before enlarging. */
  readonly cell: Cell;
  /** Dots from one cell to the next beyond its width. */
  readonly gap: number;
  /** The picture of a character the stream has defined itself. */
  readonly glyph: Bitmap | null;
}

/** Dots, each `scaleX` by `scaleY` large. */
export interface ImageItem extends Placed {
  readonly kind: "image";
  /** Drawn only where it is asked for: accounts and text need no dots. */
  readonly draw: () => Bitmap;
  readonly scaleX: number;
  readonly scaleY: number;
}

/** A barcode or two-dimensional code. `draw` gives `null` where the stream's data makes none or it is not known how. */
export interface CodeItem extends Placed {
  readonly kind: "code";
  readonly symbology: string;
  readonly text: string;
  readonly draw: () => Bitmap | null;
  /** Height of the bars, without the text; text stands above, below or both. */
  readonly textAbove: boolean;
  readonly textBelow: boolean;
}

/** A page of page mode: areas at their places, each with lines in its own direction. */
export interface PageItem extends Placed {
  readonly kind: "page";
  readonly areas: readonly PageArea[];
}

export interface PageArea {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** Number of `ESC T`: 0 left to right, 1 bottom to top, 2 right to left, 3 top to bottom. */
  readonly direction: number;
  readonly lines: readonly Line[];
}

export type Item = TextItem | ImageItem | CodeItem | PageItem;

/** What is printed at one height. Items stand on its lower edge. */
export interface Line {
  /** Dots from the beginning of the paper. */
  readonly top: number;
  readonly height: number;
  readonly items: readonly Item[];
  /** Printed upside down: the renderer turns the whole line. */
  readonly upsideDown: boolean;
}

/** What comes out of a printer, in order. */
export interface PaperSink {
  line(line: Line): void;
  cut(y: number, kind: "full" | "partial"): void;
  pulse(y: number, pin: 2 | 5): void;
  /** An answer the stream asks the printer for. */
  request(code: string): void;
}

/** Height of the digits under a barcode. */
export const CODE_TEXT_HEIGHT = 24;
