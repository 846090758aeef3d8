import {
  CODABAR,
  CODE39,
  CODE93,
  CODE93_CHARACTERS,
  CODE128,
  EAN_DIGITS,
  EAN_PARITY,
  ITF,
} from "./barcode.table.ts";
import { eanCheckDigit } from "./barcode.ts";
import { type Bitmap, createBitmap, fillRect } from "./bitmap.ts";
import { code128Text, code128Values, FNC1, planCode128 } from "./code128.ts";

/** A barcode as bars and spaces, and the text that stands under it. */
export interface Bars {
  /** Widths of bars and spaces in turn, a bar first. */
  readonly widths: string;
  /** True where widths are narrow (1) or wide (2); else they are modules. */
  readonly twoWidths: boolean;
  readonly text: string;
}

/**
 * The bars a printer draws for `GS k`, or `null` for data it prints nothing for and for the DataBar family.
 *
 * @param system the number of form B (65 to 79) or form A (0 to 6)
 */
export function barcodeBars(system: number, data: Uint8Array): Bars | null {
  const text = String.fromCharCode(...data);
  switch (system < 65 ? system + 65 : system) {
    case 65:
      return /^\d{11,12}$/.test(text) ? eanBars(`0${text}`, text.slice(0, 11), true) : null;
    case 66:
      return upcEBars(text);
    case 67:
      return /^\d{12,13}$/.test(text) ? eanBars(text, text.slice(0, 12), false) : null;
    case 68:
      return /^\d{7,8}$/.test(text) ? ean8Bars(text.slice(0, 7)) : null;
    case 69:
      return code39Bars(text);
    case 70:
      return itfBars(text);
    case 71:
      return codabarBars(text);
    case 72:
      return code93Bars(text);
    case 73:
      return code128Bars(code128Values(data), code128Text(data));
    case 74:
      return gs128Bars(text);
    case 79:
      return code128Bars(code128Values(planCode128(text.replace(/[^\0-\x7f]/g, "?"))), text);
    default:
      return null;
  }
}

const reverse = (widths: string): string => [...widths].reverse().join("");
const digit = (text: string, at: number): string => EAN_DIGITS[Number(text[at])] ?? "";

function eanBars(digits: string, shown: string, upc: boolean): Bars {
  const twelve = digits.slice(0, 12);
  const all = twelve + eanCheckDigit(twelve);
  const parity = EAN_PARITY[Number(all[0])] ?? "";
  let widths = "111";
  for (let at = 1; at <= 6; at += 1)
    widths += parity[at - 1] === "1" ? reverse(digit(all, at)) : digit(all, at);
  widths += "11111";
  for (let at = 7; at <= 12; at += 1) widths += digit(all, at);
  return { widths: `${widths}111`, twoWidths: false, text: upc ? shown + all[12] : all };
}

function ean8Bars(seven: string): Bars {
  const all = seven + eanCheckDigit(seven);
  const half = (from: number): string => [0, 1, 2, 3].map((at) => digit(all, from + at)).join("");
  return { widths: `111${half(0)}11111${half(4)}111`, twoWidths: false, text: all };
}

/** Six digits, seven or eight with number system (and check digit), or the UPC-A it stands for. */
function upcEBars(text: string): Bars | null {
  const six =
    text.length >= 11 ? compressUpc(text.slice(0, 11)) : /^\d{6}$/.test(text) ? text : text.slice(1, 7);
  if (six === null || !/^\d{6,12}$/.test(text) || (text.length > 6 && text[0] !== "0")) return null;
  const check = eanCheckDigit(expandUpc(six));
  const parity = EAN_PARITY[check] ?? "";
  let widths = "111";
  for (let at = 0; at < 6; at += 1) {
    // The pattern of EAN-13 the other way round; the check digit 0 has the mirrored ones first.
    const mirrored = check === 0 ? at < 3 : parity[at] === "0";
    widths += mirrored ? reverse(digit(six, at)) : digit(six, at);
  }
  return { widths: `${widths}111111`, twoWidths: false, text: `0${six}${check}` };
}

function expandUpc(six: string): string {
  const last = six.charAt(5);
  if (last <= "2") return `0${six.slice(0, 2)}${last}0000${six.slice(2, 5)}`;
  if (last === "3") return `0${six.slice(0, 3)}00000${six.slice(3, 5)}`;
  if (last === "4") return `0${six.slice(0, 4)}00000${six.slice(4, 5)}`;
  return `0${six.slice(0, 5)}0000${last}`;
}

function compressUpc(eleven: string): string | null {
  for (let last = 0; last <= 9; last += 1) {
    for (const six of [
      `${eleven.slice(1, 3)}${eleven.slice(8, 11)}${last}`,
      `${eleven.slice(1, 4)}${eleven.slice(9, 11)}${last}`,
      `${eleven.slice(1, 5)}${eleven.slice(10, 11)}${last}`,
      `${eleven.slice(1, 6)}${last}`,
    ]) {
      if (six.length === 6 && expandUpc(six) === eleven) return six;
    }
  }
  return null;
}

function code39Bars(text: string): Bars | null {
  const inner = text.replace(/^\*|\*$/g, "");
  const patterns = [...`*${inner}*`].map((character) => CODE39.get(character));
  if (inner === "" || patterns.includes(undefined)) return null;
  return { widths: patterns.join("1"), twoWidths: true, text: `*${inner}*` };
}

function itfBars(text: string): Bars | null {
  if (!/^(\d\d)+$/.test(text)) return null;
  let widths = "1111";
  for (let at = 0; at < text.length; at += 2) {
    const bars = ITF[Number(text[at])] ?? "";
    const spaces = ITF[Number(text[at + 1])] ?? "";
    for (let element = 0; element < 5; element += 1) widths += bars.charAt(element) + spaces.charAt(element);
  }
  return { widths: `${widths}211`, twoWidths: true, text };
}

function codabarBars(text: string): Bars | null {
  const patterns = [...text.toUpperCase()].map((character) => CODABAR.get(character));
  if (!/^[A-Da-d][^A-Da-d]+[A-Da-d]$/.test(text) || patterns.includes(undefined)) return null;
  return { widths: patterns.join("1"), twoWidths: true, text };
}

/** All of ASCII: what is not among the 43 is a shift and a letter. */
function code93Bars(text: string): Bars | null {
  const values = [...text].flatMap(code93Values);
  if (values.length === 0 || values.includes(-1)) return null;
  for (const limit of [20, 15]) {
    const sum = values.reduceRight(
      (total, value, at) => total + value * (((values.length - 1 - at) % limit) + 1),
      0,
    );
    values.push(sum % 47);
  }
  const widths = [47, ...values, 47].map((value) => CODE93[value]).join("");
  return { widths: `${widths}1`, twoWidths: false, text };
}

function code93Values(character: string): number[] {
  const plain = CODE93_CHARACTERS.indexOf(character);
  if (plain >= 0) return [plain];
  const code = character.charCodeAt(0);
  const letter = (offset: number): number => 10 + offset;
  if (code === 0) return [44, letter(20)];
  if (code <= 26) return [43, letter(code - 1)];
  if (code <= 31) return [44, letter(code - 27)];
  if (code <= 58) return [45, letter(code - 33)];
  if (code <= 63) return [44, letter(code - 59 + 5)];
  if (code === 64) return [44, letter(21)];
  if (code <= 95) return [44, letter(code - 91 + 10)];
  if (code === 96) return [44, letter(22)];
  if (code <= 122) return [46, letter(code - 97)];
  return code <= 127 ? [44, letter(code - 123 + 15)] : [-1];
}

function code128Bars(values: readonly number[] | null, text: string): Bars | null {
  if (values === null) return null;
  return { widths: [...values, 106].map((value) => CODE128[value]).join(""), twoWidths: false, text };
}

/** GS1-128: FNC1 after the start; brackets around identifiers are shown and not encoded. */
function gs128Bars(text: string): Bars | null {
  if (!/^[\x20-\x7e]+$/.test(text)) return null;
  const values = code128Values(planCode128(text.replace(/[() ]/g, "")));
  if (values === null) return null;
  const data = [values[0] ?? 0, FNC1, ...values.slice(1, -1)];
  const check = data.reduce((sum, value, index) => sum + value * Math.max(1, index), 0) % 103;
  return code128Bars([...data, check], text);
}

/** Bars as dots; wide elements are two and a half times as wide as narrow ones, as Epson draws them. */
export function drawBars(bars: Bars, module: number, height: number): Bitmap {
  const bitmap = createBitmap(widthOfBars(bars, module), height);
  let x = 0;
  for (const [index, width] of [...bars.widths].entries()) {
    const dots = dotsOf(width, bars, module);
    if (index % 2 === 0) fillRect(bitmap, x, 0, dots, height);
    x += dots;
  }
  return bitmap;
}

/** Dots that bars take across. */
export function widthOfBars(bars: Bars, module: number): number {
  let total = 0;
  for (const width of bars.widths) total += dotsOf(width, bars, module);
  return total;
}

const dotsOf = (width: string, bars: Bars, module: number): number =>
  bars.twoWidths && width === "2" ? Math.round(module * 2.5) : Number(width) * module;

/** A barcode as dots, or `null` when it cannot be drawn. */
export function barcodeBitmap(
  system: number,
  data: Uint8Array,
  options: { module: number; height: number },
): Bitmap | null {
  const bars = barcodeBars(system, data);
  return bars === null ? null : drawBars(bars, options.module, options.height);
}
