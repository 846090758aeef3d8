import { encode } from "uqr";
import { type Bitmap, createBitmap, fillRect } from "./bitmap.ts";
import { moduleOf, type SymbolOptions } from "./symbol.ts";

/** A QR code as dots, with the quiet zone of four modules that scanners expect. */
export function qrBitmap(data: string | readonly number[], options: SymbolOptions = {}): Bitmap {
  const { data: rows, size } = encode(data as string | number[], { ecc: options.level ?? "M", border: 4 });
  const module = moduleOf("qr", options);
  const bitmap = createBitmap(size * module, size * module);
  for (const [y, row] of rows.entries()) {
    for (const [x, black] of row.entries()) {
      if (black) fillRect(bitmap, x * module, y * module, module, module);
    }
  }
  return bitmap;
}
