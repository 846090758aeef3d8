import type { Dialect } from "./grammar.ts";

/** What a printer can do, by the names of escpos-printer-db. */
export type Feature =
  | "barcodeA"
  | "barcodeB"
  | "bitImageColumn"
  | "bitImageRaster"
  | "graphics"
  | "highDensity"
  | "paperFullCut"
  | "paperPartCut"
  | "pdf417Code"
  | "pulseBel"
  | "pulseStandard"
  | "qrCode"
  | "starCommands";

/** A multi-byte character set that a model prints, by its WHATWG name. */
export type CjkCharset = "shift_jis" | "gb18030" | "big5" | "euc-kr";

/**
 * What a printer does beside its reference.
 *
 * - `kanji-after-reset`: after `ESC @`, bytes from 0x80 are taken for Chinese characters until `FS .`
 */
export type Quirk = "kanji-after-reset";

export interface FontProfile {
  readonly name: string;
  /** Characters on a full line. */
  readonly columns: number;
}

/** What is known of a printer model. Facts that are not known are `null`: nothing is assumed. */
export interface Profile {
  readonly vendor: string;
  readonly name: string;
  readonly dialect: Dialect;
  /** Printable dots across. */
  readonly widthDots: number | null;
  readonly dpi: number | null;
  /** Width of the medium or of its printable part: the source does not tell them apart. */
  readonly mediaMm: number | null;
  /** By the number `ESC M` takes. */
  readonly fonts: Readonly<Record<string, FontProfile>>;
  /** Code page names by the number `ESC t` takes. */
  readonly codePages: Readonly<Record<string, string>>;
  readonly cjk: CjkCharset | null;
  readonly features: readonly Feature[];
  readonly colours: number;
  readonly quirks: readonly Quirk[];
}

/** Dots of a character cell. */
export interface Cell {
  readonly width: number;
  readonly height: number;
}

const USUAL_CELLS: readonly Cell[] = [
  { width: 12, height: 24 },
  { width: 9, height: 17 },
];

/** The cell of a font: Epson's usual ones, narrower where the line would not hold that many columns. */
export function cellOf(profile: Profile, font: number): Cell {
  const usual = USUAL_CELLS[font] ?? { width: 8, height: 16 };
  const columns = profile.fonts[font]?.columns;
  if (columns === undefined || profile.widthDots === null) return usual;
  return {
    width: Math.max(1, Math.min(usual.width, Math.floor(profile.widthDots / columns))),
    height: usual.height,
  };
}

/** Whether the printer has a feature. */
export function hasFeature(profile: Profile, feature: Feature): boolean {
  return profile.features.includes(feature);
}
