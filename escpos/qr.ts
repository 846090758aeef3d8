import { encode } from "uqr";
import { type Bitmap, createBitmap, fillRect } from "./bitmap.ts";
import { moduleOf, type QrLevel, type SymbolOptions } from "./symbol.ts";

/**
 * A QR code as dots.
 *
 * @param border modules of quiet zone; four is what scanners expect
 * @throws when the data is more than a QR code holds
 */
export function qrBitmap(data: string | number[], options: SymbolOptions = {}, border = 4): Bitmap {
  const { data: rows, size } = encode(data, { ecc: options.level ?? "M", border });
  const module = moduleOf("qr", options);
  const bitmap = createBitmap(size * module, size * module);
  for (const [y, row] of rows.entries()) {
    for (const [x, black] of row.entries()) {
      if (black) fillRect(bitmap, x * module, y * module, module, module);
    }
  }
  return bitmap;
}

/** Modules of a side, without quiet zone. Much quicker than drawing: any mask will do. */
export function qrModules(data: string | number[], level: QrLevel): number {
  return encode(data, { ecc: level, border: 0, maskPattern: 0 }).size;
}
