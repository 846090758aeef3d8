import { planCode128 } from "./code128.ts";

/** Barcodes by the numbers `GS k` form B takes. */
export const BARCODE_SYSTEMS = {
  "upc-a": 65,
  "upc-e": 66,
  "ean-13": 67,
  "ean-8": 68,
  code39: 69,
  itf: 70,
  codabar: 71,
  code93: 72,
  code128: 73,
  "gs1-128": 74,
  "databar-omni": 75,
  "databar-truncated": 76,
  "databar-limited": 77,
  "databar-expanded": 78,
  "code128-auto": 79,
} as const;

export type BarcodeSystem = keyof typeof BARCODE_SYSTEMS;

/** What each system accepts, so that a mistake is told here and not by a blank place on the paper. */
const ACCEPTED: Readonly<Record<BarcodeSystem, RegExp>> = {
  "upc-a": /^\d{11,12}$/,
  "upc-e": /^(\d{6}|0\d{6,7}|\d{11,12})$/,
  "ean-13": /^\d{12,13}$/,
  "ean-8": /^\d{7,8}$/,
  code39: /^\*?[0-9A-Z $%+\-./]+\*?$/,
  itf: /^(\d\d)+$/,
  codabar: /^[A-Da-d][0-9$+\-./:]+[A-Da-d]$/,
  code93: /^[\x00-\x7f]+$/,
  code128: /^[\x00-\x7f]+$/,
  "gs1-128": /^[\x20-\x7e]+$/,
  "databar-omni": /^\d{13}$/,
  "databar-truncated": /^\d{13}$/,
  "databar-limited": /^[01]\d{12}$/,
  "databar-expanded": /^[\x20-\x7e]{2,255}$/,
  "code128-auto": /^[\x00-\x7f]+$/,
};

/** Systems of form A (`GS k` 0 to 6), for printers that lack form B. */
export const LAST_FORM_A = 71;

/**
 * The data bytes of `GS k` form B.
 *
 * @throws {TypeError} when the system cannot hold the data
 */
export function barcodeData(system: BarcodeSystem, data: string): Uint8Array {
  if (!ACCEPTED[system].test(data)) {
    throw new TypeError(
      `${system} cannot hold ${JSON.stringify(data.slice(0, 40))}: no barcode would be printed`,
    );
  }
  const bytes = system === "code128" ? planCode128(data) : Uint8Array.from(data, (c) => c.charCodeAt(0));
  if (bytes.length > 255) throw new TypeError(`${system}: ${bytes.length} bytes of data, 255 at most`);
  return bytes;
}

/** The check digit of EAN and UPC codes: weights 3 and 1 from the right. */
export function eanCheckDigit(digits: string): number {
  let sum = 0;
  for (let index = 0; index < digits.length; index += 1) {
    sum += Number(digits.at(-1 - index)) * (index % 2 === 0 ? 3 : 1);
  }
  return (10 - (sum % 10)) % 10;
}
