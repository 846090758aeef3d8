import { barcodeBitmap } from "./barcode-modules.ts";
import type { CodeDrawer } from "./encoder-state.ts";
import { qrBitmap } from "./qr.ts";

/** Draws codes for printers that have none of their own: every linear code but the DataBar family, and QR codes. */
export const rasterCodes: CodeDrawer = {
  barcode: (system, data, module, height) => barcodeBitmap(system, data, { module, height }),
  qr: (text, options) => qrBitmap(text, options),
};
