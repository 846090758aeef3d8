import { encode } from "fast-png";
import type { Bitmap } from "./bitmap.ts";

/**
 * A bitmap as a PNG file, one bit a dot.
 */
export function encodePng(bitmap: Bitmap): Uint8Array {
  const { width, height, stride } = bitmap;
  const data = new Uint8Array(bitmap.data.length);
  const spare = width & 7;
  for (let at = 0; at < data.length; at += 1) {
    // PNG's grey is 1 for white; bits beyond the width stay 0.
    const last = spare !== 0 && at % stride === stride - 1;
    data[at] = ~(bitmap.data[at] ?? 0) & (last ? 0xff << (8 - spare) : 0xff);
  }
  return encode({ width, height, data, depth: 1, channels: 1 });
}
