import { barcodeBars, drawBars } from "./barcode-modules.ts";
import type { Bitmap } from "./bitmap.ts";
import type { Command } from "./command.ts";
import { CODE_TEXT_HEIGHT, type CodeItem } from "./paper.ts";
import type { PrinterState } from "./printer-state.ts";
import { qrBitmap } from "./qr.ts";
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
  const bitmap = bars === null ? null : drawBars(bars, state.barcodeModule, state.barcodeHeight);
  const textAbove = (state.barcodeText & 1) === 1;
  const textBelow = (state.barcodeText & 2) === 2;
  return {
    kind: "code",
    x: 0,
    symbology: BARCODE_NAMES[system < 65 ? system : system - 65] ?? `barcode ${system}`,
    text: bars?.text ?? String.fromCharCode(...data.filter((byte) => byte >= 0x20 && byte < 0x7f)),
    bitmap,
    width: bitmap?.width ?? 200,
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
    const bitmap = symbology === "qr" ? drawQr(stored) : this.#drawOther(symbology, stored);
    return {
      kind: "code",
      x: 0,
      symbology: symbology === "qr" ? "QR code" : symbology,
      text: new TextDecoder().decode(stored.data),
      bitmap,
      width: bitmap?.width ?? 200,
      height: bitmap?.height ?? 200,
      textAbove: false,
      textBelow: false,
    };
  }

  #drawOther(symbology: Symbology, stored: Stored): Bitmap | null {
    return this.#source?.(symbology, stored.data, stored.module) ?? null;
  }
}

/** Printers leave no quiet zone: the paper is one. */
function drawQr(stored: Stored): Bitmap | null {
  const ascii = stored.data.every((byte) => byte < 0x80);
  const data = ascii ? String.fromCharCode(...stored.data) : Array.from(stored.data);
  try {
    return qrBitmap(data, { level: stored.level, module: stored.module }, 0);
  } catch {
    // More data than a QR code holds: a printer prints none either.
    return null;
  }
}
