/** Two-dimensional codes by the number `GS ( k` takes. */
export const SYMBOLOGIES = {
  pdf417: 48,
  qr: 49,
  maxicode: 50,
  "databar-2d": 51,
  composite: 52,
  aztec: 53,
  "data-matrix": 54,
} as const;

export type Symbology = keyof typeof SYMBOLOGIES;

export type QrLevel = "L" | "M" | "Q" | "H";

export interface SymbolOptions {
  /** Dots of a module. Default: 6 for QR codes, 3 for PDF417, 5 for the others. */
  readonly module?: number;
  /** QR codes only. Default `M`. */
  readonly level?: QrLevel;
}

const GS = 0x1d;
const QR_LEVELS: Readonly<Record<QrLevel, number>> = { L: 48, M: 49, Q: 50, H: 51 };
const DEFAULT_MODULE: Partial<Record<Symbology, number>> = { qr: 6, pdf417: 3 };

/** Dots of a module where none is given. */
export const moduleOf = (symbology: Symbology, options: SymbolOptions): number =>
  options.module ?? DEFAULT_MODULE[symbology] ?? 5;

/** Bytes of the commands that make a printer draw a symbol itself: settings, store, print. */
export function symbolCommands(symbology: Symbology, data: Uint8Array, options: SymbolOptions): number[] {
  const cn = SYMBOLOGIES[symbology];
  const out: number[] = [];
  const put = (...body: readonly number[]): void => {
    out.push(GS, 0x28, 0x6b, body.length & 0xff, body.length >> 8, ...body);
  };
  if (symbology === "qr") put(cn, 65, 50, 0);
  if (symbology !== "maxicode") put(cn, 67, moduleOf(symbology, options));
  if (symbology === "qr") put(cn, 69, QR_LEVELS[options.level ?? "M"]);
  put(cn, 80, 48, ...data);
  put(cn, 81, 48);
  return out;
}
