import {
  AztecCodeReader,
  BarcodeFormat,
  BinaryBitmap,
  DataMatrixReader,
  DecodeHintType,
  HybridBinarizer,
  MultiFormatOneDReader,
  PDF417Reader,
  QRCodeReader,
  type Reader,
  RGBLuminanceSource,
} from "@zxing/library";
import { describe, expect, test } from "vitest";
import type { BarcodeSystem } from "../../escpos/barcode.ts";
import { type Bitmap, dotAt } from "../../escpos/bitmap.ts";
import { type Encoder, encoderFor } from "../../escpos/encoder.ts";
import { renderImage } from "../../escpos/image-render.ts";
import type { Profile } from "../../escpos/profile.ts";
import { profileOf } from "../../escpos/profiles.ts";
import { rasterCodes } from "../../escpos/raster-codes.ts";
import { bwipSymbols } from "./scenes.ts";

const T20 = profileOf("TM-T20II")!;
/** A printer that can only print images: the encoder draws its codes. */
const PLAIN = { ...T20, features: ["bitImageRaster"] } as Profile;

/** What a scanner set to one kind of code reads from the paper. */
function scan(bitmap: Bitmap, format: string): string {
  const { width, height } = bitmap;
  const light = Uint8ClampedArray.from({ length: width * height }, (_, at) =>
    dotAt(bitmap, at % width, Math.floor(at / width)) ? 0 : 255,
  );
  const hints = new Map<DecodeHintType, unknown>([
    [DecodeHintType.TRY_HARDER, true],
    [DecodeHintType.POSSIBLE_FORMATS, [BarcodeFormat[format as keyof typeof BarcodeFormat]]],
  ]);
  const reader = READERS[format] ?? new MultiFormatOneDReader(hints);
  return reader
    .decode(new BinaryBitmap(new HybridBinarizer(new RGBLuminanceSource(light, width, height))), hints)
    .getText();
}

const READERS: Readonly<Record<string, Reader>> = {
  QR_CODE: new QRCodeReader(),
  PDF_417: new PDF417Reader(),
  DATA_MATRIX: new DataMatrixReader(),
  AZTEC: new AztecCodeReader(),
};

const print = (profile: Profile, write: (encoder: Encoder) => Encoder): Bitmap => {
  const start = encoderFor(profile, { codes: rasterCodes }).initialise().align("center").feed(2);
  return renderImage(write(start).feed(2).bytes(), T20, { symbols: bwipSymbols }).bitmap;
};

/** Without UPC-E and Codabar, which this reader finds not even as bwip-js draws them. */
const BARCODES: readonly (readonly [BarcodeSystem, string, string, string])[] = [
  ["ean-13", "400638133393", "4006381333931", "EAN_13"],
  ["ean-8", "1234567", "12345670", "EAN_8"],
  ["upc-a", "01234567890", "012345678905", "UPC_A"],
  ["code39", "PLATEN-42", "PLATEN-42", "CODE_39"],
  ["code93", "PLATEN-42", "PLATEN-42", "CODE_93"],
  ["code128", "Platen 48213907", "Platen 48213907", "CODE_128"],
  ["itf", "48213907", "48213907", "ITF"],
];

describe("a scanner reads what is drawn", () => {
  test.each(BARCODES)("%s, by the printer and by the encoder", (system, data, text, format) => {
    for (const profile of [T20, PLAIN]) {
      const paper = print(profile, (encoder) => encoder.barcode(system, data, { module: 3, text: "below" }));
      expect(scan(paper, format)).toBe(text);
    }
  });

  test.each(["L", "M", "Q", "H"] as const)("QR codes at level %s, in UTF-8", (level) => {
    const text = `Grüezi, Łódź → 茶 ${level}`;
    for (const profile of [T20, PLAIN]) {
      expect(
        scan(
          print(profile, (encoder) => encoder.qr(text, { level, module: 5 })),
          "QR_CODE",
        ),
      ).toBe(text);
    }
  });

  test.each([
    ["pdf417", "PDF_417"],
    ["data-matrix", "DATA_MATRIX"],
    ["aztec", "AZTEC"],
  ] as const)("%s through the port", (symbology, format) => {
    const paper = print(T20, (encoder) => encoder.symbol(symbology, "Platen 48213907", { module: 5 }));
    expect(scan(paper, format)).toBe("Platen 48213907");
  });
});
