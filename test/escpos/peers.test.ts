import { createRequire } from "node:module";
import ReceiptPrinterEncoder from "@point-of-sale/receipt-printer-encoder";
import { ThermalPrinter } from "node-thermal-printer";
import npos from "npos";
import receiptline from "receiptline";
import { describe, expect, test } from "vitest";
import { encodeCommands } from "../../escpos/command-bytes.ts";
import { decode } from "../../escpos/decoder.ts";
import { encoderFor } from "../../escpos/encoder.ts";
import type { Dialect } from "../../escpos/grammar.ts";
import { profileOf } from "../../escpos/profiles.ts";
import { renderText } from "../../escpos/text-render.ts";
import { testPicture } from "./scenes.ts";
import { readVector } from "./vectors.ts";

const T88 = profileOf("TM-T88V")!;

/** Decodes with nothing unknown and encodes to the same bytes. */
function expectUnderstood(bytes: Uint8Array, dialect: Dialect): void {
  const commands = decode(bytes, { dialect });
  const bad = commands.filter(({ kind }) => ["unknown", "truncated", "function", "oversize"].includes(kind));
  expect(bad).toEqual([]);
  expect(encodeCommands(commands, dialect)).toEqual(bytes);
}

class ImageData {
  readonly width = 64;
  readonly height = 64;
  readonly data = new Uint8ClampedArray(64 * 64 * 4).map((_, i) => (i % 4 === 3 ? 255 : (i * 7) & 255));
}

function encodeWithRpe(language: string, imageMode: string): Uint8Array {
  const mapping = language === "esc-pos" ? "epson" : "star";
  const encoder = new ReceiptPrinterEncoder({
    language,
    columns: 48,
    imageMode,
    codepageMapping: mapping,
  } as object);
  const bytes = encoder
    .initialize()
    .codepage("auto")
    .align("center")
    .bold(true)
    .size(2, 2)
    .line("Café Zürich €")
    .size(1, 1)
    .bold(false)
    .underline(true)
    .line("Łódź Привет Αθήνα")
    .underline(false)
    .invert(true)
    .line("inverted")
    .invert(false)
    .align("left")
    .rule()
    .table(
      [
        { width: 30, align: "left" },
        { width: 10, align: "right" },
      ],
      [["Tea", "2.50"]],
    )
    .box({ width: 20, style: "double" }, "boxed")
    .barcode("400638133393", "ean13", { height: 60, text: true } as object)
    .barcode("ABC123", "code128", { height: 60 } as object)
    .qrcode("https://example.com")
    .pdf417("hello")
    .image(new ImageData() as never, 64, 64, "atkinson")
    .newline(2)
    .pulse()
    .cut("partial")
    .encode();
  return Uint8Array.from(bytes as Uint8Array);
}

describe("receipt-printer-encoder", () => {
  test.each([
    ["esc-pos", "column", "epson"],
    ["esc-pos", "raster", "epson"],
    ["star-prnt", "column", "star"],
    ["star-line", "raster", "star"],
  ] as const)("%s, %s", (language, mode, dialect) => {
    expectUnderstood(encodeWithRpe(language, mode), dialect);
  });

  test("Star's commands print what ESC/POS prints", () => {
    const star = {
      ...T88,
      dialect: "star",
      codePages: {
        0: "CP437",
        1: "CP437",
        4: "CP858",
        5: "CP852",
        10: "CP866",
        15: "CP737",
        32: "CP1252",
        34: "CP1251",
      },
    } as const;
    const lines = renderText(encodeWithRpe("star-prnt", "raster"), star).split("\n");
    const wanted = [
      "                inverted",
      "[QR code: https://example.com]",
      "[Code 128: ABC123]",
      "[EAN-13: 4006381333931]",
      "[pdf417: hello]",
      "[drawer 1]",
      "[partial cut]",
    ];
    for (const line of wanted) expect(lines.map((each) => each.trim())).toContain(line.trim());
    expect(lines.filter((line) => line.startsWith("[image 64 x 24]"))).toHaveLength(3);
  });

  test("it lets characters become commands, where our encoder does not", () => {
    const text = "← ♥ ↑";
    const theirs = new ReceiptPrinterEncoder({ language: "esc-pos" } as object)
      .codepage("auto")
      .text(text)
      .encode();
    const kinds = (bytes: Uint8Array) => new Set(decode(Uint8Array.from(bytes)).map(({ kind }) => kind));
    expect(kinds(theirs as Uint8Array)).toContain("character-spacing");
    expect([...kinds(encoderFor(T88).text(text).bytes())].sort()).toEqual(["code-page", "text"]);
  });

  // Its euro is byte D5 of page 13, which neither iconv-lite nor Python has in CP857.
  test("its text reads back", () => {
    const text = renderText(encodeWithRpe("esc-pos", "raster"), T88);
    for (const part of [
      "Café Zürich",
      "Łódź Привет Αθήνα",
      "╔══════════════════╗",
      "[QR code: https://example.com]",
      "[EAN-13: 4006381333931]",
      "[image 64 x 64]",
      "[drawer 1]",
    ]) {
      expect(text).toContain(part);
    }
  });
});

describe("node-thermal-printer", () => {
  const require = createRequire(import.meta.url);
  const { PrinterTypes } = require("node-thermal-printer") as { PrinterTypes: Record<string, string> };
  const printer = new ThermalPrinter({
    type: PrinterTypes.EPSON as never,
    interface: "tcp://127.0.0.1:1",
    characterSet: "PC852_LATIN2" as never,
    width: 48,
  });
  printer.alignCenter();
  printer.bold(true);
  printer.setTextDoubleHeight();
  printer.println("Łódź Müller €");
  printer.setTextNormal();
  printer.bold(false);
  printer.invert(true);
  printer.println("inverted");
  printer.invert(false);
  printer.upsideDown(true);
  printer.println("up");
  printer.upsideDown(false);
  printer.drawLine();
  printer.leftRight("a", "1.00");
  printer.printQR("https://example.com");
  printer.pdf417("hello");
  printer.maxiCode("hello");
  printer.code128("ABC123");
  printer.setTypeFontB();
  printer.setTextSize(2, 3);
  printer.beep();
  printer.cut();
  const bytes = Uint8Array.from(printer.getBuffer() as Buffer);

  test("is understood, and its text reads back", () => {
    expectUnderstood(bytes, "epson");
    const text = renderText(bytes, T88);
    for (const part of [
      "Łódź Müller €",
      "[QR code: https://example.com]",
      "[Code 128: ABC123]",
      "[pdf417: hello]",
    ]) {
      expect(text).toContain(part);
    }
  });
});

describe("receiptline", () => {
  const document =
    '^^^Receipt\n-\nApple|1.00\nBanane ß € Łódź|2.50\n\n{code:400638133393;option:ean,hri}\n\n{code:https://example.com;option:qrcode,3,L}\n=\n_u_ "b" `i`|x\n';

  test.each([
    ["escpos", "epson"],
    ["epson", "epson"],
    ["sii", "sii"],
    ["citizen", "citizen"],
    ["fit", "epson"],
    ["impact", "epson"],
    ["generic", "epson"],
    ["starsbcs", "star"],
    ["starmbcs", "star"],
    ["starlinesbcs", "star"],
  ] as const)("%s", (command, dialect) => {
    const text = receiptline.transform(document, {
      cpl: 42,
      encoding: "multilingual",
      command,
      cutting: true,
    } as never);
    expectUnderstood(Uint8Array.from(Buffer.from(text as string, "binary")), dialect);
  });
});

interface NposNode {
  readonly ascii: string;
  readonly fn: string;
  readonly offset: number;
  readonly length: number;
  readonly width?: number;
  readonly height?: number;
}

/** npos does not know `GS ( k` and `FS (`, and counts an image's offset from its data. */
describe("npos, a decoder by others, agrees with ours", () => {
  const ours = encoderFor(profileOf("TM-T20II")!)
    .initialise()
    .align("center")
    .bold()
    .size(2)
    .line("Hello")
    .size(1)
    .bold(false)
    .rule()
    .table([{}, { width: 8, align: "right" }], [["Tea", "2,50 €"]])
    .image(testPicture(100, 90), { bandRows: 64 })
    .image(testPicture(100, 30), { form: "graphics" })
    .image(testPicture(40, 30), { form: "column" })
    .barcode("code39", "PLATEN 8")
    .pulse()
    .cut()
    .bytes();

  test.each([
    ["our encoder's", ours],
    ["escpos-php/text-size", readVector("escpos-php/text-size")],
    ["escpos-php/bit-image", readVector("escpos-php/bit-image")],
    ["python-escpos-image-bitImageColumn", readVector("python-escpos-image-bitImageColumn")],
    ["python-escpos-image-graphics", readVector("python-escpos-image-graphics")],
  ])("%s", async (_name, bytes) => {
    const parsed = (await npos.parser().parse(Buffer.from(bytes))) as { tree: NposNode[]; error?: Error };
    expect(parsed.error).toBeUndefined();
    const theirs = parsed.tree
      .filter(({ fn, ascii }) => fn !== "" && ascii !== "STX")
      .map(({ fn, offset, ascii }) => `${ascii} ${fn[0]} ${fn === "v0" ? offset - 8 : offset}`);
    const mine = decode(bytes)
      .filter(({ kind }) => !["text", "line-feed"].includes(kind))
      .map(
        ({ start }) =>
          `${({ 27: "ESC", 28: "FS", 29: "GS" } as Record<number, string>)[bytes[start]!]} ${String.fromCharCode(bytes[start + 1]!)} ${start}`,
      );
    expect(mine).toEqual(theirs);
    const rasters = parsed.tree.filter(({ fn }) => fn === "v0").map(({ width, height }) => [width, height]);
    const ourRasters = decode(bytes).flatMap((c) =>
      c.kind === "raster-image" ? [[c.bytesPerRow * 8, c.rows]] : [],
    );
    expect(ourRasters).toEqual(rasters);
  });
});
