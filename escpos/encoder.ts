import { BARCODE_SYSTEMS, type BarcodeSystem, barcodeData, LAST_FORM_A } from "./barcode.ts";
import type { Bitmap } from "./bitmap.ts";
import { ByteWriter } from "./byte-writer.ts";
import { widthOfText } from "./character-width.ts";
import { type DitherMethod, dither } from "./dither.ts";
import { type EncoderOptions, type EncoderState, initialState, PLAIN_TEXT } from "./encoder-state.ts";
import { bandRowsFor, encodeBands, type ImageForm } from "./image-bands.ts";
import { type Alignment, type Column, layTable, wrapText } from "./line-layout.ts";
import type { Picture } from "./picture.ts";
import { cellOf, hasFeature, type Profile } from "./profile.ts";
import { repertoireOf } from "./repertoire.ts";
import { type SymbolOptions, type Symbology, symbolCommands } from "./symbol.ts";
import { cleanText, writeText } from "./text-encoder.ts";

const ESC = 0x1b;
const FS = 0x1c;
const GS = 0x1d;
const LF = 0x0a;
const ALIGNMENTS: Readonly<Record<Alignment, number>> = { left: 0, center: 1, right: 2 };

export interface ImageOptions {
  /** For pictures; bitmaps are printed dot by dot. Default `floyd-steinberg`. */
  readonly method?: DitherMethod;
  /** Scale a picture to this many dots. Default: its own width, at most the printer's. */
  readonly width?: number;
  /** Default: the first of `raster`, `graphics`, `column` that the printer has. */
  readonly form?: ImageForm;
  /** Default: by the speed of the line; see `bandRowsFor`. */
  readonly bandRows?: number;
  /** `false` keeps every dot even where a printer may take some for a real-time command. Default `true`. */
  readonly avoidRealTime?: boolean;
}

export interface BarcodeOptions {
  /** Dots. Default 80. */
  readonly height?: number;
  /** Dots of the narrowest bar. Default 2. */
  readonly module?: number;
  /** Where the digits are printed. Default `below`. */
  readonly text?: "none" | "above" | "below" | "both";
}

/**
 * Shared by all encoders: a step clears it, fills it and takes what it holds. Clearing comes first because a step that
 * threw may have left something.
 */
const scratch = new ByteWriter(1024);

/**
 * An encoder for a printer; begin with `initialise()`.
 *
 * @example
 * const bytes = encoderFor(profile).initialise().align("center").line("Hello").cut().bytes();
 */
export function encoderFor(profile: Profile, options: EncoderOptions = {}): Encoder {
  if (profile.dialect === "star") {
    throw new TypeError(
      `${profile.name} is set to Star's own commands: this writes ESC/POS, so switch its emulation`,
    );
  }
  return new Encoder(initialState(profile, options), null, []);
}

/**
 * Writes ESC/POS. Every method returns a new encoder and leaves this one as it was, so a common beginning may be kept
 * and continued in several ways. What a printer cannot do is told by a `TypeError`, at once.
 */
export class Encoder {
  readonly state: EncoderState;
  readonly #previous: Encoder | null;
  readonly #own: readonly Uint8Array[];

  constructor(state: EncoderState, previous: Encoder | null, chunks: readonly Uint8Array[]) {
    this.state = state;
    this.#previous = previous;
    this.#own = chunks;
  }

  /** Characters a full line holds at the present font and size. */
  get columns(): number {
    const columns = this.state.profile.fonts[this.state.font]?.columns ?? 42;
    return Math.max(1, Math.floor(columns / this.state.scaleX));
  }

  /** Everything so far, in the pieces it was written in: images come in bands. */
  chunks(): Uint8Array[] {
    const chunks: Uint8Array[] = [];
    for (let step: Encoder | null = this; step !== null; step = step.#previous) {
      for (let index = step.#own.length - 1; index >= 0; index -= 1)
        chunks.push(step.#own[index] as Uint8Array);
    }
    return chunks.reverse();
  }

  /** All bytes so far. */
  bytes(): Uint8Array {
    const chunks = this.chunks();
    const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
    let at = 0;
    for (const chunk of chunks) {
      bytes.set(chunk, at);
      at += chunk.length;
    }
    return bytes;
  }

  /** Resets the printer and sets every state this encoder relies on, whatever a job before has left. */
  initialise(): Encoder {
    const { profile, widthDots } = this.state;
    const page = repertoireOf(profile).pages[0]?.number ?? null;
    scratch.clear().write(ESC, 0x40);
    if (profile.quirks.includes("kanji-after-reset")) scratch.write(FS, 0x2e);
    if (profile.cjk === "shift_jis") scratch.write(FS, 0x43, 0);
    scratch.write(ESC, 0x52, 0);
    if (page !== null) scratch.write(ESC, 0x74, page);
    scratch.write(
      ESC,
      0x4d,
      0,
      ESC,
      0x20,
      0,
      ESC,
      0x45,
      0,
      ESC,
      0x2d,
      0,
      GS,
      0x42,
      0,
      ESC,
      0x7b,
      0,
      GS,
      0x21,
      0,
    );
    scratch.write(ESC, 0x61, 0, ESC, 0x32, GS, 0x4c, 0, 0);
    if (widthDots !== null) scratch.write(GS, 0x57, widthDots & 0xff, widthDots >> 8);
    return this.#step({ ...this.state, ...PLAIN_TEXT, page });
  }

  bold(on = true): Encoder {
    return this.#add({ ...this.state, bold: on }, ESC, 0x45, on ? 1 : 0);
  }

  /** @param thickness dots, 0 to 2 */
  underline(thickness: 0 | 1 | 2 = 1): Encoder {
    return this.#add({ ...this.state, underline: thickness }, ESC, 0x2d, thickness);
  }

  /** White on black. */
  invert(on = true): Encoder {
    return this.#add({ ...this.state, invert: on }, GS, 0x42, on ? 1 : 0);
  }

  upsideDown(on = true): Encoder {
    return this.#add({ ...this.state, upsideDown: on }, ESC, 0x7b, on ? 1 : 0);
  }

  align(align: Alignment): Encoder {
    return this.#add({ ...this.state, align }, ESC, 0x61, ALIGNMENTS[align]);
  }

  /** How many times as wide and as high characters are, each 1 to 8. */
  size(scaleX: number, scaleY = scaleX): Encoder {
    if (!isScale(scaleX) || !isScale(scaleY)) throw new TypeError(`size: 1 to 8, not ${scaleX} by ${scaleY}`);
    return this.#add({ ...this.state, scaleX, scaleY }, GS, 0x21, ((scaleX - 1) << 4) | (scaleY - 1));
  }

  /** @param font a number of the profile's `fonts` */
  font(font: number): Encoder {
    if (this.state.profile.fonts[font] === undefined) {
      const known = Object.keys(this.state.profile.fonts).join(", ");
      throw new TypeError(`${this.state.profile.name} has no font ${font}; it has ${known}`);
    }
    return this.#add({ ...this.state, font }, ESC, 0x4d, font);
  }

  /** Text, wrapped at the end of the line. */
  text(text: string): Encoder {
    scratch.clear();
    return this.#step(this.#write(text, this.state));
  }

  /** Text and the end of its line. */
  line(text = ""): Encoder {
    scratch.clear();
    const state = this.#write(text, this.state);
    scratch.push(LF);
    return this.#step({ ...state, usedDots: 0 });
  }

  /** Blank lines. */
  feed(lines = 1): Encoder {
    if (!Number.isInteger(lines) || lines < 0 || lines > 255)
      throw new TypeError(`feed: 0 to 255 lines, not ${lines}`);
    return this.#add({ ...this.state, usedDots: 0 }, ESC, 0x64, lines);
  }

  /** A line of one character across the paper. */
  rule(character = "─"): Encoder {
    return this.line(character.repeat(this.columns));
  }

  /** Rows in columns; cells are wrapped. Begins on a line of its own. */
  table(columns: readonly Column[], rows: readonly (readonly string[])[]): Encoder {
    const lines = layTable(columns, rows, this.columns);
    scratch.clear();
    let state = this.#endLine(this.state);
    for (const line of lines) {
      state = this.#write(line.trimEnd(), state);
      scratch.push(LF);
      state = { ...state, usedDots: 0 };
    }
    return this.#step(state);
  }

  /** A picture, dithered, or a bitmap, dot by dot. */
  image(image: Picture | Bitmap, options: ImageOptions = {}): Encoder {
    const { widthDots, linkBytesPerSecond, profile } = this.state;
    const bitmap = "stride" in image ? image : this.#dither(image, options);
    if (widthDots === null) {
      throw new TypeError(
        `The profile ${profile.name} does not say how many dots wide the paper is: give widthDots`,
      );
    }
    if (bitmap.width > widthDots) {
      throw new TypeError(
        `The image is ${bitmap.width} dots wide, the paper ${widthDots}: scale it with width`,
      );
    }
    scratch.clear();
    const state = this.#endLine(this.state);
    const before = scratch.length > 0 ? [scratch.take()] : [];
    const bands = encodeBands(bitmap, {
      form: options.form ?? imageForm(profile),
      rows: options.bandRows ?? bandRowsFor(bitmap.stride, linkBytesPerSecond),
      avoidRealTime: options.avoidRealTime ?? true,
    });
    return new Encoder(state, this, [...before, ...bands]);
  }

  /** A barcode: the printer's own where it has it, else drawn. */
  barcode(system: BarcodeSystem, data: string, options: BarcodeOptions = {}): Encoder {
    const { profile } = this.state;
    const bytes = barcodeData(system, data);
    const number = BARCODE_SYSTEMS[system];
    const height = options.height ?? 80;
    const module = options.module ?? 2;
    if (!hasFeature(profile, "barcodeB") && !(hasFeature(profile, "barcodeA") && number <= LAST_FORM_A)) {
      const bitmap = this.state.codes?.barcode(number, bytes, module, height) ?? null;
      if (bitmap === null)
        throw new TypeError(`${profile.name} has no ${system}: give codes that can draw it`);
      return this.image(bitmap, { bandRows: bitmap.height });
    }
    scratch.clear();
    const state = this.#endLine(this.state);
    const text = { none: 0, above: 1, below: 2, both: 3 }[options.text ?? "below"];
    scratch.write(GS, 0x68, height, GS, 0x77, module, GS, 0x48, text, GS, 0x66, 0);
    if (hasFeature(profile, "barcodeB")) scratch.write(GS, 0x6b, number, bytes.length);
    else scratch.write(GS, 0x6b, number - 65);
    scratch.append(bytes);
    if (!hasFeature(profile, "barcodeB")) scratch.push(0);
    return this.#step(state);
  }

  /** A QR code of UTF-8 text: the printer's own where it has it, else drawn. */
  qr(text: string, options: SymbolOptions = {}): Encoder {
    if (hasFeature(this.state.profile, "qrCode")) return this.symbol("qr", text, options);
    const { codes, profile } = this.state;
    if (codes === null) throw new TypeError(`${profile.name} has no QR codes: give codes that can draw them`);
    const bitmap = codes.qr(text, options);
    return this.image(bitmap, { bandRows: bitmap.height });
  }

  /** A two-dimensional code drawn by the printer. */
  symbol(symbology: Symbology, text: string, options: SymbolOptions = {}): Encoder {
    const { profile } = this.state;
    if (symbology === "pdf417" && !hasFeature(profile, "pdf417Code")) {
      throw new TypeError(`${profile.name} cannot print PDF417: use a QR code, or draw it as an image`);
    }
    const data = new TextEncoder().encode(text);
    if (data.length === 0 || data.length > 7089) {
      throw new TypeError(`${symbology}: 1 to 7089 bytes of data, not ${data.length}`);
    }
    scratch.clear();
    const state = this.#endLine(this.state);
    scratch.write(...symbolCommands(symbology, data, options));
    return this.#step(state);
  }

  /** Opens a cash drawer. */
  pulse(pin: 2 | 5 = 2, onMs = 120, offMs = 240): Encoder {
    const { profile } = this.state;
    if (hasFeature(profile, "pulseStandard")) {
      return this.#add(this.state, ESC, 0x70, pin === 2 ? 0 : 1, halfMs(onMs), halfMs(offMs));
    }
    if (hasFeature(profile, "pulseBel")) return this.#add(this.state, 0x07);
    throw new TypeError(`${profile.name} cannot open a drawer`);
  }

  /** Feeds to the knife and cuts; without a knife, feeds far enough to tear. */
  cut(kind: "full" | "partial" = "partial"): Encoder {
    const { profile } = this.state;
    scratch.clear();
    const state = { ...this.#endLine(this.state), usedDots: 0 };
    const full = hasFeature(profile, "paperFullCut");
    const partial = hasFeature(profile, "paperPartCut");
    if (!full && !partial) scratch.write(ESC, 0x64, 5);
    else scratch.write(GS, 0x56, (kind === "full" && full) || !partial ? 65 : 66, 0);
    return this.#step(state);
  }

  /** Bytes as they are. The encoder does not look at them: what they change, set back. */
  raw(bytes: Uint8Array): Encoder {
    return new Encoder(this.state, this, [bytes.slice()]);
  }

  #dither(picture: Picture, options: ImageOptions): Bitmap {
    const width = options.width ?? Math.min(picture.width, this.state.widthDots ?? picture.width);
    return dither(picture, { width, method: options.method ?? "floyd-steinberg" });
  }

  #endLine(state: EncoderState): EncoderState {
    if (state.usedDots === 0) return state;
    scratch.push(LF);
    return { ...state, usedDots: 0 };
  }

  /** Writes text into the scratch; returns the state after it. */
  #write(text: string, state: EncoderState): EncoderState {
    const cell = cellOf(state.profile, state.font);
    const dots = cell.width * state.scaleX;
    const columns = this.columns;
    const room = columns - Math.ceil(state.usedDots / dots);
    const setting = {
      repertoire: repertoireOf(state.profile),
      glyphs: state.glyphs,
      cell,
      enlarged: state.scaleX > 1 || state.scaleY > 1,
    };
    let page = state.page;
    let used = state.usedDots;
    for (const [index, line] of wrapText(text, columns, room).entries()) {
      if (index > 0) {
        scratch.push(LF);
        used = 0;
      }
      const clean = cleanText(line);
      page = writeText(clean, page, setting, scratch);
      used += widthOfText(clean) * dots;
    }
    return { ...state, page, usedDots: used };
  }

  #add(state: EncoderState, ...bytes: readonly number[]): Encoder {
    return new Encoder(state, this, [Uint8Array.from(bytes)]);
  }

  #step(state: EncoderState): Encoder {
    return new Encoder(state, this, [scratch.take()]);
  }
}

const isScale = (scale: number): boolean => Number.isInteger(scale) && scale >= 1 && scale <= 8;

/** Pulse times are in units of 2 ms. */
const halfMs = (ms: number): number => Math.max(1, Math.min(255, Math.round(ms / 2)));

function imageForm(profile: Profile): ImageForm {
  if (hasFeature(profile, "bitImageRaster")) return "raster";
  if (hasFeature(profile, "graphics")) return "graphics";
  if (hasFeature(profile, "bitImageColumn")) return "column";
  throw new TypeError(`${profile.name} cannot print images`);
}
