import { type Bitmap, toColumns } from "./bitmap.ts";
import { ByteWriter } from "./byte-writer.ts";
import { findRealTime } from "./real-time.ts";

/** The three ways ESC/POS takes an image: `GS v 0`, `GS ( L`, `ESC *`. */
export type ImageForm = "raster" | "graphics" | "column";

export interface BandOptions {
  readonly form: ImageForm;
  /** Rows sent at once. */
  readonly rows: number;
  /**
   * Changes single dots where the data contains what many printers execute as a real-time command (`10 04 n`); the
   * lowest dot of the DLE byte is set.
   */
  readonly avoidRealTime: boolean;
}

const GS = 0x1d;
const ESC = 0x1b;

/** Largest band: what the smallest receive buffers in use hold, and short of `10 04` as a row count. */
const MAX_BAND_BYTES = 48 * 1024;
const MAX_BAND_ROWS = 1024;
const LEAST_BAND_ROWS = 64;
/** 150 mm/s at 203 dpi. */
const ROWS_PER_SECOND = 1200;

/**
 * How many rows to send at once. On a link faster than the paper, small bands begin to print at once and never wait.
 * On a slower one the printer stops after each band whatever is done, so there are as few of them as can be.
 */
export function bandRowsFor(bytesPerRow: number, linkBytesPerSecond: number): number {
  if (linkBytesPerSecond >= ROWS_PER_SECOND * bytesPerRow) return LEAST_BAND_ROWS;
  const most = Math.floor(MAX_BAND_BYTES / Math.max(1, bytesPerRow));
  return Math.max(8, Math.min(MAX_BAND_ROWS, most - (most % 8)));
}

/** Writes an image, one chunk a band. */
export function encodeBands(bitmap: Bitmap, options: BandOptions): Uint8Array[] {
  if (options.form === "column") return encodeColumnBands(bitmap, options);
  const chunks: Uint8Array[] = [];
  const out = new ByteWriter(options.rows * bitmap.stride + 32);
  for (let top = 0; top < bitmap.height; top += options.rows) {
    const rows = Math.min(options.rows, bitmap.height - top);
    const data = bitmap.data.slice(top * bitmap.stride, (top + rows) * bitmap.stride);
    if (options.avoidRealTime) breakRealTime(data);
    if (options.form === "raster") {
      out.write(GS, 0x76, 0x30, 0, ...word(bitmap.stride), ...word(rows));
      out.append(data);
    } else writeGraphics(data, bitmap.width, rows, out);
    chunks.push(out.take());
  }
  return chunks;
}

function writeGraphics(data: Uint8Array, width: number, rows: number, out: ByteWriter): void {
  const length = data.length + 10;
  if (length <= 0xffff) out.write(GS, 0x28, 0x4c, ...word(length));
  else out.write(GS, 0x38, 0x4c, ...word(length & 0xffff), ...word(length >>> 16));
  out.write(48, 112, 48, 1, 1, 49, ...word(width), ...word(rows));
  out.append(data);
  out.write(GS, 0x28, 0x4c, 2, 0, 48, 50);
}

/** Strips of 24 dots, each followed by a feed of 24 units: one unit is a dot on printers that have no `GS v 0`. */
function encodeColumnBands(bitmap: Bitmap, options: BandOptions): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  const out = new ByteWriter();
  for (let top = 0; top < bitmap.height; top += 24) {
    const data = toColumns(bitmap, top, 3);
    if (options.avoidRealTime) breakRealTime(data);
    out.write(ESC, 0x2a, 33, ...word(bitmap.width));
    out.append(data);
    out.write(ESC, 0x4a, 24);
    chunks.push(out.take());
  }
  return chunks;
}

/** Sets the lowest dot of each DLE that begins a real-time sequence; returns how many were changed. */
export function breakRealTime(data: Uint8Array): number {
  let changed = 0;
  for (;;) {
    const spots = findRealTime(data);
    if (spots === null) return changed;
    for (const { at } of spots) data[at] = (data[at] ?? 0) | 1;
    changed += spots.length;
  }
}

const word = (value: number): [number, number] => [value & 0xff, (value >> 8) & 0xff];
