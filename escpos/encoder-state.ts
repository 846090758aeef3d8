import type { Bitmap } from "./bitmap.ts";
import type { GlyphSource } from "./glyph.ts";
import type { Alignment } from "./line-layout.ts";
import type { Profile } from "./profile.ts";
import type { SymbolOptions } from "./symbol.ts";

/** What an encoder knows of the printer at this point of the stream. */
export interface EncoderState {
  readonly profile: Profile;
  readonly glyphs: GlyphSource | null;
  readonly codes: CodeDrawer | null;
  readonly widthDots: number | null;
  readonly linkBytesPerSecond: number;
  /** Number of the code page set, or `null` before `initialise`. */
  readonly page: number | null;
  readonly font: number;
  readonly bold: boolean;
  readonly underline: 0 | 1 | 2;
  readonly invert: boolean;
  readonly upsideDown: boolean;
  readonly align: Alignment;
  readonly scaleX: number;
  readonly scaleY: number;
  /** Dots taken on the current line. */
  readonly usedDots: number;
}

/** Draws codes that a printer lacks. */
export interface CodeDrawer {
  /** `null` for systems it cannot draw; `system` is the number of `GS k` form B. */
  barcode(system: number, data: Uint8Array, module: number, height: number): Bitmap | null;
  qr(text: string, options: SymbolOptions): Bitmap;
}

export interface EncoderOptions {
  /** Draws codes that the printer lacks, e.g. `rasterCodes`. Without it they are refused. */
  readonly codes?: CodeDrawer;
  /** Draws characters that no code page of the printer holds, e.g. `receiptFont`. Without it they are replaced. */
  readonly glyphs?: GlyphSource;
  /** Dots across, where the profile does not say or the paper is narrower. */
  readonly widthDots?: number;
  /** What the line carries; decides how images are banded. Default 1 MB/s (USB). */
  readonly linkBytesPerSecond?: number;
}

/** The state before anything was sent. */
export function initialState(profile: Profile, options: EncoderOptions): EncoderState {
  return {
    profile,
    glyphs: options.glyphs ?? null,
    codes: options.codes ?? null,
    widthDots: options.widthDots ?? profile.widthDots,
    linkBytesPerSecond: options.linkBytesPerSecond ?? 1_000_000,
    page: null,
    ...PLAIN_TEXT,
  };
}

/** Styles as `initialise` sets them. */
export const PLAIN_TEXT = {
  font: 0,
  bold: false,
  underline: 0,
  invert: false,
  upsideDown: false,
  align: "left",
  scaleX: 1,
  scaleY: 1,
  usedDots: 0,
} as const;
