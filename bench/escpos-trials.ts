/** What `bench/escpos.ts` measures, one trial a process. Each returns how many units one call of `run` does. */
import { readFileSync } from "node:fs";
import ReceiptPrinterEncoder from "@point-of-sale/receipt-printer-encoder";
import { encode as encodePngFile } from "fast-png";
import { ThermalPrinter } from "node-thermal-printer";
import npos from "npos";
import receiptline from "receiptline";
import { account } from "../escpos/account.ts";
import { Decoder } from "../escpos/decoder.ts";
import type { DitherMethod } from "../escpos/dither.ts";
import { encoderFor } from "../escpos/encoder.ts";
import { renderImage } from "../escpos/image-render.ts";
import { profileOf } from "../escpos/profiles.ts";

export interface Trial {
  readonly unit: string;
  readonly amount: number;
  run(): unknown;
}

const T20 = profileOf("TM-T20II");
if (T20 === null) throw new Error("no profile TM-T20II");
const profile = T20;

const ROWS = Array.from({ length: 20 }, (_, i) => [`Article number ${i}`, "2", "5,00 €"]);
const vector = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(`../test/vectors/escpos/${name}.bin`, import.meta.url)));

function ourReceipt(): Uint8Array {
  return encoderFor(profile)
    .initialise()
    .align("center")
    .bold()
    .size(2)
    .line("Café Zürich")
    .size(1)
    .bold(false)
    .align("left")
    .rule("-")
    .table([{}, { width: 4, align: "right" }, { width: 9, align: "right" }], ROWS)
    .rule("-")
    .bold()
    .line("Total 200,00 €")
    .bold(false)
    .barcode("ean-13", "400638133393", { height: 60 })
    .qr("https://example.com/r/48213907")
    .cut()
    .bytes();
}

function rpe(codepage = "auto"): ReceiptPrinterEncoder {
  const options = { language: "esc-pos", columns: 48, codepageMapping: "epson", imageMode: "raster" };
  return new ReceiptPrinterEncoder(options as object).initialize().codepage(codepage as never);
}

function rpeReceipt(codepage: string): unknown {
  const columns = [
    { width: 33, align: "left" },
    { width: 4, align: "right" },
    { width: 9, align: "right", marginLeft: 1 },
  ];
  return rpe(codepage)
    .align("center")
    .bold(true)
    .size(2, 2)
    .line("Café Zürich")
    .size(1, 1)
    .bold(false)
    .align("left")
    .rule()
    .table(columns as never, ROWS)
    .rule()
    .bold(true)
    .line("Total 200,00 €")
    .bold(false)
    .barcode("400638133393", "ean13", { height: 60 } as object)
    .qrcode("https://example.com/r/48213907")
    .cut("partial")
    .encode();
}

const thermal = new ThermalPrinter({ type: "epson" as never, interface: "tcp://127.0.0.1:1", width: 48 });

function ntpReceipt(): unknown {
  thermal.clear();
  thermal.alignCenter();
  thermal.bold(true);
  thermal.setTextSize(1, 1);
  thermal.println("Café Zürich");
  thermal.setTextNormal();
  thermal.bold(false);
  thermal.alignLeft();
  thermal.drawLine();
  for (const [text = "", count = "", price = ""] of ROWS) {
    thermal.tableCustom([
      { text, align: "LEFT", width: 0.7 },
      { text: count, align: "RIGHT", width: 0.08 },
      { text: price, align: "RIGHT", width: 0.2 },
    ]);
  }
  thermal.drawLine();
  thermal.bold(true);
  thermal.println("Total 200,00 €");
  thermal.bold(false);
  thermal.printBarcode("400638133393", 67 as never);
  thermal.printQR("https://example.com/r/48213907");
  thermal.cut();
  return thermal.getBuffer();
}

const RECEIPTLINE = `^^^Café Zürich\n-\n${ROWS.map((row) => row.join("|")).join("\n")}\n-\n"Total 200,00 €"\n\n{code:400638133393;option:ean}\n\n{code:https://example.com/r/48213907;option:qrcode,3,L}\n=\n`;

const WIDTH = 576;
const HEIGHT = 2000;

/** A slope of grey with texture: no shortcut for any method. */
function rgba(): Uint8ClampedArray {
  const data = new Uint8ClampedArray(WIDTH * HEIGHT * 4);
  for (let at = 0; at < WIDTH * HEIGHT; at += 1) {
    const value = ((at % WIDTH) / WIDTH) * 220 + ((at * 2654435761) >>> 27);
    data.set([value, value, value, 255], at * 4);
  }
  return data;
}

class ImageData {
  readonly width = WIDTH;
  readonly height = HEIGHT;
  readonly data: Uint8ClampedArray;
  constructor(data: Uint8ClampedArray) {
    this.data = data;
  }
}

function ourImage(method: DitherMethod): Trial {
  const picture = { width: WIDTH, height: HEIGHT, data: rgba() };
  const encoder = encoderFor(profile).initialise();
  return { unit: "images/s", amount: 1, run: () => encoder.image(picture, { method }).bytes() };
}

function rpeImage(method: string): Trial {
  const data = rgba();
  // It dithers in place: every call gets a copy.
  const run = () =>
    rpe()
      .image(new ImageData(data.slice()) as never, WIDTH, HEIGHT, method as never, 128)
      .encode();
  return { unit: "images/s", amount: 1, run };
}

function ntpImage(): Trial {
  const png = Buffer.from(
    encodePngFile({ width: WIDTH, height: HEIGHT, data: new Uint8Array(rgba()), channels: 4 }),
  );
  const run = async () => {
    thermal.clear();
    await thermal.printImageBuffer(png);
    return thermal.getBuffer();
  };
  return { unit: "images/s", amount: 1, run };
}

function repeat(bytes: Uint8Array, least: number): Uint8Array {
  const times = Math.ceil(least / bytes.length);
  const whole = new Uint8Array(bytes.length * times);
  for (let at = 0; at < times; at += 1) whole.set(bytes, at * bytes.length);
  return whole;
}

function decodeTrial(stream: Uint8Array): Trial {
  const run = () => {
    const decoder = new Decoder();
    let commands = 0;
    for (let at = 0; at < stream.length; at += 65_536)
      commands += decoder.push(stream.subarray(at, at + 65_536)).length;
    return commands + decoder.end().length;
  };
  return { unit: "MB/s", amount: stream.length / 1e6, run };
}

const receipts = { unit: "receipts/s", amount: 1 };
const picture = () => repeat(vector("python-escpos-image-bitImageRaster"), 4e6);
const text = () => repeat(ourReceipt(), 4e6);

export const TRIALS: Readonly<Record<string, () => Trial>> = {
  "receipt, this library": () => ({ ...receipts, run: ourReceipt }),
  "receipt, receipt-printer-encoder, code page auto": () => ({ ...receipts, run: () => rpeReceipt("auto") }),
  "receipt, receipt-printer-encoder, one code page": () => ({
    ...receipts,
    run: () => rpeReceipt("windows1252"),
  }),
  "receipt, node-thermal-printer": () => ({ ...receipts, run: ntpReceipt }),
  "receipt, receiptline": () => ({
    ...receipts,
    run: () =>
      receiptline.transform(RECEIPTLINE, { cpl: 48, encoding: "multilingual", command: "escpos" } as never),
  }),
  "image threshold, this library": () => ourImage("threshold"),
  "image ordered, this library": () => ourImage("ordered"),
  "image blue-noise, this library": () => ourImage("blue-noise"),
  "image floyd-steinberg, this library": () => ourImage("floyd-steinberg"),
  "image atkinson, this library": () => ourImage("atkinson"),
  "image threshold, receipt-printer-encoder": () => rpeImage("threshold"),
  "image ordered, receipt-printer-encoder": () => rpeImage("bayer"),
  "image floyd-steinberg, receipt-printer-encoder": () => rpeImage("floydsteinberg"),
  "image atkinson, receipt-printer-encoder": () => rpeImage("atkinson"),
  "image threshold (PNG), node-thermal-printer": ntpImage,
  "decode images, this library": () => decodeTrial(picture()),
  "decode text, this library": () => decodeTrial(text()),
  "decode images, npos": () => {
    const stream = Buffer.from(picture());
    return { unit: "MB/s", amount: stream.length / 1e6, run: () => npos.parser().parse(stream) };
  },
  "account text, this library": () => {
    const stream = text();
    return { unit: "MB/s", amount: stream.length / 1e6, run: () => account(stream, profile) };
  },
  "render receipt to dots, this library": () => {
    const bytes = ourReceipt();
    return { ...receipts, run: () => renderImage(bytes, profile) };
  },
};
