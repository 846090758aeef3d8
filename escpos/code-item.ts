import { barcodeBars, drawBars, widthOfBars } from "./barcode-modules.ts";
import type { Bitmap } from "./bitmap.ts";
import type { Command } from "./command.ts";
import { CODE_TEXT_HEIGHT, type CodeItem } from "./paper.ts";
import type { PrinterState } from "./printer-state.ts";
import { qrBitmap, qrModules } from "./qr.ts";
import { type QrLevel, SYMBOLOGIES, type Symbology } from "./symbol.ts";

/** Draws two-dimensional codes other than QR, where the caller has a library for them; `null` when it cannot. */
export type SymbolSource = (symbology: Symbology, data: Uint8Array, module: number) => Bitmap | null;

// biome-ignore format: a table
const BARCODE_NAMES = [
  "UPC-A", "UPC-E", "EAN-13", "EAN-8", "Code 39", "ITF", "Codabar", "Code 93", "Code 128", "GS1-128",
  "DataBar", "DataBar truncated", "DataBar limited", "DataBar expanded", "Code 128",
];

/** The item a `GS k` prints. */
export function barcodeItem(system: number, data: Uint8Array, state: PrinterState): CodeItem {
  const bars = barcodeBars(system, data);
  const { barcodeModule: module, barcodeHeight: height } = state;
  const textAbove = (state.barcodeText & 1) === 1;
  const textBelow = (state.barcodeText & 2) === 2;
  return {
    kind: "code",
    x: 0,
    symbology: BARCODE_NAMES[system < 65 ? system : system - 65] ?? `barcode ${system}`,
    text: bars?.text ?? String.fromCharCode(...data.filter((byte) => byte >= 0x20 && byte < 0x7f)),
    draw: () => (bars === null ? null : drawBars(bars, module, height)),
    width: bars === null ? UNKNOWN_SIZE : widthOfBars(bars, module),
    height: state.barcodeHeight + ((textAbove ? 1 : 0) + (textBelow ? 1 : 0)) * CODE_TEXT_HEIGHT,
    textAbove,
    textBelow,
  };
}

interface Stored {
  data: Uint8Array;
  module: number;
  level: QrLevel;
  /** What was drawn of it, until a setting or the data changes. */
  item: CodeItem | null;
}

const NAMES: ReadonlyMap<number, Symbology> = new Map(
  Object.entries(SYMBOLOGIES).map(([name, number]) => [number, name as Symbology]),
);
const LEVELS: readonly QrLevel[] = ["L", "M", "Q", "H"];

/** The data and settings of `GS ( k`, kept by the printer from one command to the next. */
export class SymbolStore {
  readonly #stored = new Map<number, Stored>();
  readonly #source: SymbolSource | null;

  constructor(source: SymbolSource | null) {
    this.#source = source;
  }

  /** Takes a command of the family; returns what is to be printed, or `null`. */
  take(command: Command): CodeItem | null {
    if (command.kind === "symbol-setting") {
      const stored = this.#of(command.symbology);
      if (command.fn === 67) stored.module = Math.max(1, Math.min(16, command.values[0] ?? 3));
      if (command.fn === 69) stored.level = LEVELS[(command.values[0] ?? 48) - 48] ?? "L";
      stored.item = null;
    } else if (command.kind === "symbol-store") {
      const stored = this.#of(command.symbology);
      stored.data = command.data;
      stored.item = null;
    } else if (command.kind === "symbol-print") {
      const stored = this.#stored.get(command.symbology);
      if (stored === undefined || stored.data.length === 0) return null;
      stored.item ??= this.#draw(NAMES.get(command.symbology) ?? "qr", stored);
      return stored.item;
    }
    return null;
  }

  clear(): void {
    this.#stored.clear();
  }

  #of(symbology: number): Stored {
    let stored = this.#stored.get(symbology);
    if (stored === undefined) {
      stored = { data: new Uint8Array(0), module: 3, level: "L", item: null };
      this.#stored.set(symbology, stored);
    }
    return stored;
  }

  #draw(symbology: Symbology, stored: Stored): CodeItem {
    const { data, module, level } = stored;
    const text = new TextDecoder().decode(data);
    if (symbology === "qr") {
      const dots = qrDots(data, level, module);
      const draw = (): Bitmap | null => (dots === null ? null : drawQr(data, level, module));
      const side = dots ?? UNKNOWN_SIZE;
      return { ...PLAIN_CODE, symbology: "QR code", text, draw, width: side, height: side };
    }
    const bitmap = this.#source?.(symbology, data, module) ?? null;
    const width = bitmap?.width ?? UNKNOWN_SIZE;
    const height = bitmap?.height ?? UNKNOWN_SIZE;
    return { ...PLAIN_CODE, symbology, text, draw: () => bitmap, width, height };
  }
}

/** Dots of a box that stands for a code which cannot be drawn. */
const UNKNOWN_SIZE = 200;
const PLAIN_CODE = { kind: "code", x: 0, textAbove: false, textBelow: false } as const;

const qrContent = (data: Uint8Array): string | number[] =>
  data.every((byte) => byte < 0x80) ? String.fromCharCode(...data) : Array.from(data);

/** Dots of a side; `null` for more data than a QR code holds: a printer prints none either. */
function qrDots(data: Uint8Array, level: QrLevel, module: number): number | null {
  try {
    return qrModules(qrContent(data), level) * module;
  } catch {
    return null;
  }
}

/** Printers leave no quiet zone: the paper is one. */
function drawQr(data: Uint8Array, level: QrLevel, module: number): Bitmap {
  return qrBitmap(qrContent(data), { level, module }, 0);
}
