import { readFileSync } from "node:fs";
import type { Dialect } from "../../escpos/grammar.ts";

/** Streams of other people's programs, with the dialect each is written in. */
export const VECTORS: readonly (readonly [name: string, dialect: Dialect])[] = [
  ["ntp-receipt", "epson"],
  ["python-escpos-receipt", "epson"],
  ["python-escpos-image-bitImageColumn", "epson"],
  ["python-escpos-image-bitImageRaster", "epson"],
  ["python-escpos-image-graphics", "epson"],
  ["receiptline-epson", "epson"],
  ["receiptline-citizen", "citizen"],
  ["receiptline-sii", "sii"],
  ["escpos-php/barcode", "epson"],
  ["escpos-php/bit-image", "epson"],
  ["escpos-php/character-encodings", "epson"],
  ["escpos-php/receipt-with-logo", "epson"],
  ["escpos-php/text-size", "epson"],
];

/** One of the streams. */
export function readVector(name: string): Uint8Array {
  const file = readFileSync(new URL(`../vectors/escpos/${name}.bin`, import.meta.url));
  return new Uint8Array(file);
}

/** Bytes from a mix of numbers and ASCII strings. */
export function bytesOf(...parts: readonly (number | string)[]): Uint8Array {
  return Uint8Array.from(
    parts.flatMap((part) => (typeof part === "number" ? [part] : [...part].map((c) => c.charCodeAt(0)))),
  );
}

export const ESC = 0x1b;
export const GS = 0x1d;
export const FS = 0x1c;
export const DLE = 0x10;
