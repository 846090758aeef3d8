import bwip from "bwip-js/node";
import { createBitmap, fillRect } from "../../escpos/bitmap.ts";
import type { SymbolSource } from "../../escpos/code-item.ts";
import { decode } from "../../escpos/decoder.ts";
import { encoderFor } from "../../escpos/encoder.ts";
import { receiptFont } from "../../escpos/font.ts";
import type { Profile } from "../../escpos/profile.ts";
import { profileOf } from "../../escpos/profiles.ts";
import { bytesOf, ESC, FS, GS, readVector, VECTORS } from "./vectors.ts";

const T20 = profileOf("TM-T20II")!;

/** A stream to draw, and for which printer. */
export interface Scene {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly profile: Profile;
}

/** A sphere on a slope of grey: a picture with every brightness. */
export function testPicture(width: number, height: number) {
  const data = new Uint8Array(width * height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const dx = (x - width / 2) / (height / 2.4);
      const dy = (y - height / 2) / (height / 2.4);
      const inside = 1 - dx * dx - dy * dy;
      const light = inside > 0 ? 0.15 + 0.85 * Math.max(0, (Math.sqrt(inside) - dx - dy) / 1.8) : x / width;
      data[y * width + x] = Math.max(0, Math.min(255, Math.round(light * 255)));
    }
  }
  return { width, height, data };
}

/** The receipt that the README shows. */
export function readmeReceipt(): Uint8Array {
  const [name, amount] = [{}, { width: 9, align: "right" }] as const;
  const slope = Uint8Array.from({ length: 240 * 48 }, (_, at) => ((at % 240) * 255) / 239);
  return encoderFor(T20, { glyphs: receiptFont })
    .initialise()
    .align("center")
    .bold()
    .size(2)
    .line("Café Zürich")
    .size(1)
    .bold(false)
    .line("Łódź · Αθήνα · Київ")
    .align("left")
    .rule()
    .table(
      [name, amount],
      [
        ["2 × Espresso", "5,00 €"],
        ["1 × Apfelstrudel, warm, with vanilla sauce and a little cinnamon on top", "6,80 €"],
      ],
    )
    .rule()
    .bold()
    .table([name, amount], [["Total → card", "11,80 €"]])
    .bold(false)
    .feed(1)
    .align("center")
    .image({ width: 240, height: 48, data: slope }, { method: "blue-noise" })
    .feed(1)
    .qr("https://example.com/r/48213907", { module: 4 })
    .feed(1)
    .barcode("ean-13", "400638133393", { height: 60 })
    .cut()
    .bytes();
}

function styles(): Uint8Array {
  return bytesOf(
    ESC, "@", ESC, "-", 1, "underlined ", ESC, "-", 2, "twice", ESC, "-", 0, 10,
    GS, "B", 1, " inverted ", GS, "B", 0, " plain ", ESC, "G", 1, "double strike", ESC, "G", 0, 10,
    ESC, "M", 1, "Font B, quick brown fox", ESC, "M", 0, 10,
    ESC, "V", 1, "turned", ESC, "V", 0, 10,
    ESC, "{", 1, "upside down", 10, ESC, "{", 0,
    ESC, " ", 6, "spaced", ESC, " ", 0, 10,
    "tab", 9, "tab", 9, "tab", 10, ESC, "D", 5, 20, 0, "a", 9, "b", 9, "c", 10,
    GS, "L", 100, 0, GS, "W", 200, 0, "margins and a narrow area wrap here", 10, GS, "L", 0, 0, GS, "W", 64, 2,
    ESC, "$", 200, 0, "at 200", ESC, "\\", 50, 0, "and 50 on", 10,
    ESC, "a", 2, "right", 10, ESC, "a", 0, ESC, "R", 2, "[\\]{|}~ in German", ESC, "R", 0, 10,
    ESC, "&", 3, 65, 65, 12, ...Array.from({ length: 36 }, (_, i) => (i % 3 === 1 ? 0xff : 0x81)),
    ESC, "%", 1, "A user A", ESC, "%", 0, 10,
  ); // biome-ignore format: commands by line
}

function pageMode(): Uint8Array {
  const area = (x: number, y: number, w: number, h: number) => [
    ESC,
    "W",
    x,
    0,
    y,
    0,
    w & 255,
    w >> 8,
    h & 255,
    h >> 8,
  ];
  return bytesOf(
    ESC, "@", ESC, "L",
    ...area(0, 0, 280, 400), ESC, "T", 0, "left to right", 10, "second line", 10,
    ...area(150, 0, 280, 400), ESC, "T", 1, "bottom to top", 10,
    ...area(0, 100, 280, 400), ESC, "T", 2, "right to left", 10,
    ...area(200, 100, 180, 400), ESC, "T", 3, "top to bottom", 10,
    12, "standard again", 10,
  ); // biome-ignore format: commands by line
}

function storedImages(): Uint8Array {
  const diagonal = createBitmap(16, 16);
  for (let at = 0; at < 16; at += 1) fillRect(diagonal, at, at, 2, 1);
  const columns = Array.from({ length: 16 * 2 }, (_, i) => (i % 2 === 0 ? 0xf0 : 0x0f));
  return bytesOf(
    ESC, "@",
    GS, "*", 2, 2, ...columns, "downloaded:", 10, GS, "/", 0, GS, "/", 3,
    FS, "q", 1, 2, 0, 2, 0, ...columns, "NV:", 10, FS, "p", 1, 0,
    GS, "(L", 11 + 33 - 1, 0, 48, 67, 48, 65, 66, 1, 16, 0, 16, 0, 49, ...diagonal.data, "by key:", 10,
    GS, "(L", 6, 0, 48, 69, 65, 66, 2, 2,
    "macro:", 10, GS, ":", "three times", 10, GS, ":", GS, "^", 2, 0, 0,
  ); // biome-ignore format: commands by line
}

function symbols(): Uint8Array {
  let encoder = encoderFor(T20).initialise().align("center");
  for (const kind of ["qr", "pdf417", "data-matrix", "aztec", "maxicode"] as const) {
    encoder = encoder.line(kind).symbol(kind, "Platen 48213907");
  }
  return encoder.bytes();
}

const BWIP_NAMES = {
  pdf417: "pdf417",
  "data-matrix": "datamatrix",
  aztec: "azteccode",
  maxicode: "maxicode",
} as Record<string, string>;

/** Draws what we do not, by bwip-js: the port that callers may fill. */
export const bwipSymbols: SymbolSource = (symbology, data, module) => {
  const bcid = BWIP_NAMES[symbology];
  if (bcid === undefined || symbology === "maxicode") return null;
  type Raw = { pixs: number[]; pixx: number; pixy: number };
  const [raw] = (bwip as unknown as { raw(o: object): Raw[] }).raw({
    bcid,
    text: new TextDecoder().decode(data),
  });
  const bitmap = createBitmap(raw!.pixx * module, raw!.pixy * module);
  for (const [at, pixel] of raw!.pixs.entries()) {
    if (pixel === 1)
      fillRect(bitmap, (at % raw!.pixx) * module, Math.floor(at / raw!.pixx) * module, module, module);
  }
  return bitmap;
};

/** Everything that has a golden picture. */
export function scenes(): Scene[] {
  const own = [
    ["readme", readmeReceipt()],
    ["styles", styles()],
    ["page-mode", pageMode()],
    ["stored-images", storedImages()],
    ["symbols", symbols()],
  ] as const;
  const wide = { ...profileOf("default")!, widthDots: 576 };
  return [
    ...own.map(([name, bytes]) => ({ name, bytes, profile: T20 })),
    ...VECTORS.map(([name, dialect]) => ({
      name: name.replace("/", "-"),
      bytes: readVector(name),
      profile: { ...wide, dialect },
    })),
  ];
}

/** Kinds that must not occur in a scene. */
export const strays = (scene: Scene): string[] =>
  decode(scene.bytes, { dialect: scene.profile.dialect })
    .map(({ kind }) => kind)
    .filter((kind) => ["unknown", "truncated", "function", "oversize"].includes(kind));
