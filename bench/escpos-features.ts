/**
 * The table of features in escpos/README.md: `node bench/escpos-features.ts`. Every cell is the outcome of a try with
 * the library's present version, never of its documentation; what is tried is the code below.
 */
import ReceiptPrinterEncoder from "@point-of-sale/receipt-printer-encoder";
import { build } from "esbuild";
import { encode as encodePngFile } from "fast-png";
import { ThermalPrinter } from "node-thermal-printer";
import npos from "npos";
import receiptline from "receiptline";
import * as escpos from "../escpos/index.ts";

type Try = () => unknown;
type Row = readonly [feature: string, ours: Try, rpe: Try, ntp: Try, receiptline: Try];

const must = <T>(value: T | null): T => {
  if (value === null) throw new Error("missing");
  return value;
};
const T20 = must(escpos.profileOf("TM-T20II"));
const CHINESE = must(escpos.profileOf("TM-T70II-CH"));
/** There is no function that one could try. */
const nothing: Try = () => "–";

const ours = () =>
  escpos.encoderFor(T20, { glyphs: escpos.receiptFont, codes: escpos.rasterCodes }).initialise();
type Rpe = ReceiptPrinterEncoder;
const rpe = (write: (encoder: Rpe) => unknown, options: object = {}): Uint8Array => {
  const all = { language: "esc-pos", columns: 48, codepageMapping: "epson", imageMode: "raster", ...options };
  const encoder = new ReceiptPrinterEncoder(all as object).initialize().codepage("auto");
  return Uint8Array.from((write(encoder) as Rpe).encode() as Uint8Array);
};
const ntp = async (
  write: (printer: ThermalPrinter) => unknown,
  options: object = {},
): Promise<Uint8Array> => {
  const all = {
    type: "epson",
    interface: "tcp://127.0.0.1:1",
    width: 48,
    characterSet: "PC858_EURO",
    ...options,
  };
  const printer = new ThermalPrinter(all as never);
  await write(printer);
  return Uint8Array.from(printer.getBuffer() as Buffer);
};
const line = (document: string, options: object = {}): Uint8Array => {
  const all = { cpl: 48, encoding: "multilingual", command: "escpos", ...options };
  return Uint8Array.from(Buffer.from(receiptline.transform(document, all as never) as string, "binary"));
};

const text = (bytes: Uint8Array, profile = T20): string => escpos.renderText(bytes, profile);
const kinds = (bytes: Uint8Array): string[] => escpos.decode(bytes).map(({ kind }) => kind);
const has = (bytes: Uint8Array, kind: string): boolean => kinds(bytes).includes(kind);

const MIXED = "Łódź Αθήνα Привет";
const EURO = "12,50 €";
const reads = (bytes: Uint8Array): boolean => text(bytes).includes(MIXED);
const ARROWS = "a ← b ↑ c ♥ d";
/** Only characters, code pages and drawn characters from the first letter to the last: no command came of text. */
const harmless = (bytes: Uint8Array): boolean => {
  const allowed = ["text", "code-page", "column-image"];
  const commands = escpos.decode(bytes);
  const first = commands.findIndex((command) => command.kind === "text" && command.bytes.includes(0x61));
  const last = commands.findLastIndex((command) => command.kind === "text" && command.bytes.includes(0x64));
  return commands.slice(first, last + 1).every(({ kind }) => allowed.includes(kind));
};
const drawsArrow = (bytes: Uint8Array): boolean => harmless(bytes) && has(bytes, "column-image");

const WORDS = "Wrapping keeps every single word whole because readers dislike broken ones very much indeed";
const wraps = (bytes: Uint8Array): boolean => {
  const read = text(bytes).split(/\s+/);
  return WORDS.split(" ").every((word) => read.includes(word));
};
const TEA = "中".repeat(40);
const chinese = (bytes: Uint8Array): boolean => text(bytes, CHINESE).replace(/\s/g, "").includes(TEA);

const CELL = "Apfelstrudel, warm, with vanilla sauce and cinnamon";
const tableWraps = (bytes: Uint8Array): boolean => {
  const rows = text(bytes).split("\n");
  return rows.some((row) => /Apfelstrudel.*6[.,]80/.test(row)) && text(bytes).includes("cinnamon");
};

/** How many of the fifteen systems of GS k come out. */
const SYSTEMS: readonly (readonly [escpos.BarcodeSystem, string, string])[] = [
  ["upc-a", "upca", "01234567890"], ["upc-e", "upce", "01234565"], ["ean-13", "ean13", "400638133393"],
  ["ean-8", "ean8", "1234567"], ["code39", "code39", "ABC"], ["itf", "itf", "1234"], ["codabar", "codabar", "A123A"],
  ["code93", "code93", "ABC"], ["code128", "code128", "ABC"], ["gs1-128", "gs1-128", "0109521234543213"],
  ["databar-omni", "gs1-databar-omni", "0123456789012"], ["databar-truncated", "gs1-databar-truncated", "0123456789012"],
  ["databar-limited", "gs1-databar-limited", "0123456789012"], ["databar-expanded", "gs1-databar-expanded", "01095212345432133103001750"],
  ["code128-auto", "code128-auto", "ABC"],
]; // biome-ignore format: a table
async function systems(
  print: (names: (typeof SYSTEMS)[number], number: number) => Uint8Array | Promise<Uint8Array>,
): Promise<string> {
  let count = 0;
  for (const [index, names] of SYSTEMS.entries()) {
    const bytes = await Promise.resolve(names)
      .then((each) => print(each, 65 + index))
      .catch(() => new Uint8Array());
    const right = (command: escpos.Command): boolean =>
      command.kind === "barcode" && (command.system === 65 + index || command.system === index);
    if (escpos.decode(bytes).some(right)) count += 1;
  }
  return `${count} of ${SYSTEMS.length}`;
}

async function symbols(print: (name: string) => Uint8Array | Promise<Uint8Array>): Promise<string> {
  const found: string[] = [];
  for (const name of ["qr", "pdf417", "data-matrix", "maxicode", "aztec"]) {
    const bytes = await Promise.resolve(name)
      .then(print)
      .catch(() => new Uint8Array());
    if (has(bytes, "symbol-print")) found.push(name);
  }
  return found.join(", ") || "no";
}

const PLAIN = { ...T20, features: ["bitImageRaster"] } as escpos.Profile;
const grey = (value: number) => ({
  width: 64,
  height: 64,
  data: new Uint8ClampedArray(64 * 64 * 4).map((_, i) => (i % 4 === 3 ? 255 : value)),
});
class ImageData {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray;
  constructor(image: { width: number; height: number; data: Uint8ClampedArray }) {
    this.width = image.width;
    this.height = image.height;
    this.data = image.data;
  }
}
const dots = (bytes: Uint8Array): number => {
  let black = 0;
  for (const command of escpos.decode(bytes)) {
    if (command.kind !== "raster-image" && command.kind !== "graphics-store") continue;
    for (const byte of command.data) for (let bit = byte; bit > 0; bit >>= 1) black += bit & 1;
  }
  return black / 4096;
};
/** Grey 188 reflects half the light: half of the dots should be black. */
const linear = (bytes: Uint8Array): boolean => Math.abs(dots(bytes) - 0.5) < 0.03;
const png = (image: { width: number; height: number; data: Uint8ClampedArray }) =>
  Buffer.from(encodePngFile({ ...image, data: new Uint8Array(image.data), channels: 4 }));

/** A picture whose dots spell 10 04 01, a real-time status request. */
const request = (() => {
  const image = { width: 64, height: 8, data: new Uint8ClampedArray(64 * 8 * 4).fill(255) };
  for (const [byte, value] of [0x10, 0x04, 0x01].entries()) {
    for (let bit = 0; bit < 8; bit += 1)
      if ((value >> (7 - bit)) & 1) image.data.fill(0, (byte * 8 + bit) * 4, (byte * 8 + bit) * 4 + 3);
  }
  return image;
})();
const calm = (bytes: Uint8Array): boolean =>
  escpos.decode(bytes).every((command) => !("realTime" in command));

async function methods(print: (name: string) => Uint8Array): Promise<string> {
  const found: string[] = [];
  const seen = new Set<string>();
  for (const name of [
    "threshold",
    "ordered",
    "bayer",
    "floyd-steinberg",
    "floydsteinberg",
    "atkinson",
    "blue-noise",
  ]) {
    const bytes = await Promise.resolve(name)
      .then(print)
      .catch(() => new Uint8Array());
    const key = Buffer.from(bytes).toString("base64");
    if (bytes.length > 100 && !seen.has(key)) found.push(name);
    seen.add(key);
  }
  return found.join(", ") || "one, not chosen";
}

async function browser(code: string): Promise<boolean> {
  const options = {
    bundle: true,
    write: false,
    format: "esm",
    platform: "browser",
    logLevel: "silent",
  } as const;
  const stdin = {
    contents: code,
    resolveDir: new URL("..", import.meta.url).pathname,
    loader: "ts",
  } as const;
  await build({ ...options, stdin });
  return true;
}

const branches = (
  make: () => { line(text: string): unknown },
  finish: (encoder: unknown) => Uint8Array,
): boolean => {
  const head = make();
  head.line("left");
  return !text(finish(head.line("right"))).includes("left");
};

const ROWS: readonly Row[] = [
  ["Polish, Greek and Cyrillic in one line", () => reads(ours().line(MIXED).bytes()), () => reads(rpe((e) => e.line(MIXED))), async () => reads(await ntp((p) => p.println(MIXED))), () => reads(line(MIXED))],
  ["€, in a page that iconv and Python agree has it", () => text(ours().line(EURO).bytes()).includes(EURO), () => text(rpe((e) => e.line(EURO))).includes(EURO), async () => text(await ntp((p) => p.println(EURO))).includes(EURO), () => text(line(EURO)).includes(EURO)],
  ["← ↑ ♥ never become commands", () => harmless(ours().line(ARROWS).bytes()), () => harmless(rpe((e) => e.line(ARROWS))), async () => harmless(await ntp((p) => p.println(ARROWS))), () => harmless(line(ARROWS))],
  ["characters no code page has are drawn", () => drawsArrow(ours().line(ARROWS).bytes()), () => drawsArrow(rpe((e) => e.line(ARROWS))), async () => drawsArrow(await ntp((p) => p.println(ARROWS))), () => drawsArrow(line(ARROWS))],
  ["Chinese where the printer has it", () => chinese(escpos.encoderFor(CHINESE).line(TEA).bytes()), () => chinese(rpe((e) => e.line(TEA))), async () => chinese(await ntp((p) => p.println(TEA), { characterSet: "CHINA" })), () => chinese(line(TEA, { encoding: "gb18030" }))],
  ["words wrap at the paper's width", () => wraps(ours().line(WORDS).bytes()), () => wraps(rpe((e) => e.line(WORDS))), async () => wraps(await ntp((p) => p.println(WORDS))), () => wraps(line(WORDS))],
  ["cells of tables wrap", () => tableWraps(ours().table([{}, { width: 8, align: "right" }], [[CELL, "6,80"]]).bytes()), () => tableWraps(rpe((e) => e.table([{ width: 38, align: "left" }, { width: 8, align: "right" }] as never, [[CELL, "6,80"]]))), async () => tableWraps(await ntp((p) => p.tableCustom([{ text: CELL, align: "LEFT", width: 0.8 }, { text: "6,80", align: "RIGHT", width: 0.18 }]))), () => tableWraps(line(`{width:38,8}\n${CELL}|6.80\n`))],
  ["barcode systems of GS k", () => systems(([name, , data]) => ours().barcode(name, data).bytes()), () => systems(([, name, data]) => rpe((e) => e.barcode(data, name as never, { height: 60 } as object))), () => systems(([, , data], number) => ntp((p) => p.printBarcode(data, number as never))), () => systems(([, name, data]) => line(`{code:${data};option:${name.replace(/upca|upce/, "upc").replace(/ean13|ean8/, "ean")}}\n`))],
  ["two-dimensional codes by the printer", () => symbols((name) => ours().symbol(name as "qr", "x").bytes()), () => symbols((name) => rpe((e) => (name === "qr" ? e.qrcode("x") : (e as unknown as Record<string, (s: string) => Rpe>)[name]!("x")))), () => symbols((name) => ntp((p) => (name === "qr" ? p.printQR("x") : name === "pdf417" ? p.pdf417("x") : name === "maxicode" ? p.maxiCode("x") : Promise.reject(new Error("none"))))), () => symbols((name) => line(`{code:x;option:${name === "qr" ? "qrcode" : name}}\n`, { command: "epson" }))],
  ["a QR code where the printer has none", () => has(escpos.encoderFor(PLAIN, { codes: escpos.rasterCodes }).qr("x").bytes(), "raster-image"), nothing, nothing, () => /graphics-print|raster-image/.test(kinds(line("{code:x;option:qrcode}\n")).join())],
  ["dithering to choose from", () => methods((name) => ours().image(grey(150), { method: name as "ordered" }).bytes()), () => methods((name) => rpe((e) => e.image(new ImageData(grey(150)) as never, 64, 64, name as never))), nothing, nothing],
  ["dithering in linear light", () => linear(ours().image(grey(188)).bytes()), () => linear(rpe((e) => e.image(new ImageData(grey(188)) as never, 64, 64, "floydsteinberg"))), async () => linear(await ntp((p) => p.printImageBuffer(png(grey(188))))), () => linear(line(`{image:${png(grey(188)).toString("base64")}}\n`))],
  ["no real-time command inside an image", () => calm(ours().image(request, { method: "threshold" }).bytes()), () => calm(rpe((e) => e.image(new ImageData(request) as never, 64, 8, "threshold"))), async () => calm(await ntp((p) => p.printImageBuffer(png(request)))), () => calm(line(`{image:${png(request).toString("base64")}}\n`, { gradient: false }))],
  ["two receipts from one beginning", () => branches(ours, (e) => (e as escpos.Encoder).bytes()), () => branches(() => new ReceiptPrinterEncoder({ language: "esc-pos" } as object), (e) => Uint8Array.from((e as Rpe).encode() as Uint8Array)), nothing, nothing],
  ["printer models it knows", () => escpos.profileIds().length, () => (ReceiptPrinterEncoder as unknown as { printerModels: unknown[] }).printerModels.length, nothing, nothing],
  ["bundles for a browser as it is", () => browser('export * from "./escpos/index.ts"'), () => browser('export { default } from "@point-of-sale/receipt-printer-encoder"'), () => browser('export * from "node-thermal-printer"'), () => browser('export * from "receiptline"')],
  ["writes Star's own commands", nothing, () => escpos.decode(rpe((e) => e.bold(true).line("x"), { language: "star-prnt", codepageMapping: "star" }), { dialect: "star" }).some(({ kind }) => kind === "star-bold-on"), async () => escpos.decode(await ntp((p) => { p.bold(true); p.println("x"); }, { type: "star" }), { dialect: "star" }).some(({ kind }) => kind === "star-bold-on"), () => escpos.decode(line('"x"', { command: "starsbcs" }), { dialect: "star" }).some(({ kind }) => kind === "star-bold-on")],
]; // biome-ignore format: a row a line

async function attempt(run: Try): Promise<string> {
  try {
    const result = await run();
    return result === true ? "yes" : result === false ? "no" : String(result);
  } catch {
    return "no";
  }
}

console.log(
  "| | this library | receipt-printer-encoder 4.0.1 | node-thermal-printer 4.6.1 | receiptline 4.0.4 |",
);
console.log("| --- | --- | --- | --- | --- |");
for (const [feature, ...tries] of ROWS)
  console.log(`| ${feature} | ${(await Promise.all(tries.map(attempt))).join(" | ")} |`);

const stream = Buffer.from(ours().line("x").qr("x").cut().bytes());
const theirs = await npos
  .parser()
  .parse(stream)
  .then(
    () => "yes",
    () => "no",
  );
console.log(`| reads ESC/POS (npos 0.1.19: ${theirs}, of a receipt with a QR code) | yes | – | – | – |`);
