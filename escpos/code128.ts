/** Symbol values of Code 128 that are not characters. */
export const FNC1 = 102;
const SHIFT = 98;
const CODE_A = 101;
const CODE_B = 100;
const CODE_C = 99;

type CodeSet = "A" | "B" | "C";

const START: Readonly<Record<CodeSet, number>> = { A: 103, B: 104, C: 105 };
const SWITCH: Readonly<Record<CodeSet, number>> = { A: CODE_A, B: CODE_B, C: CODE_C };

/**
 * Chooses code sets for ASCII data: C for runs of digits, A where controls are, B else.
 *
 * @returns Epson's notation for `GS k 73` (`{B`, `{C` and the pairs as bytes)
 * @throws {TypeError} for characters beyond ASCII
 */
export function planCode128(text: string): Uint8Array {
  const out: number[] = [];
  let set: CodeSet | null = null;
  for (let at = 0; at < text.length; ) {
    const wanted = chooseSet(text, at, set);
    if (wanted !== set) {
      out.push(0x7b, wanted.charCodeAt(0));
      set = wanted;
    }
    const code = text.charCodeAt(at);
    if (code > 0x7f) throw new TypeError(`Code 128 holds ASCII only, not ${JSON.stringify(text[at])}`);
    if (set === "C") {
      out.push(Number(text.slice(at, at + 2)));
      at += 2;
      continue;
    }
    if (code === 0x7b) out.push(0x7b);
    out.push(code);
    at += 1;
  }
  return Uint8Array.from(out);
}

function chooseSet(text: string, at: number, current: CodeSet | null): CodeSet {
  let digits = 0;
  while (/[0-9]/.test(text.charAt(at + digits))) digits += 1;
  // An odd run before its end leaves its first digit to the set in use, so that pairs reach the end.
  const atEnd = at + digits === text.length;
  if (current === "C") {
    if (digits >= 2) return "C";
  } else if (
    digits % 2 === 0 &&
    (digits >= 6 || (digits >= 4 && (atEnd || at === 0)) || (digits === 2 && at === 0 && atEnd))
  ) {
    return "C";
  }
  const code = text.charCodeAt(at);
  if (code < 0x20) return "A";
  if (current === "A" && code < 0x60) return "A";
  return "B";
}

/**
 * Symbol values, start and check included, of data in Epson's notation.
 *
 * @returns `null` when the data is not well-formed: a printer prints no barcode then
 */
export function code128Values(data: Uint8Array): number[] | null {
  const values: number[] = [];
  let set: CodeSet | null = null;
  let shifted = false;
  for (let at = 0; at < data.length; at += 1) {
    const byte = data[at] ?? 0;
    if (byte === 0x7b && !(set !== null && set !== "C" && data[at + 1] === 0x7b)) {
      const letter = String.fromCharCode(data[at + 1] ?? 0);
      at += 1;
      if (letter === "A" || letter === "B" || letter === "C") {
        values.push(set === null ? START[letter] : SWITCH[letter]);
        set = letter;
        continue;
      }
      const value = set === null ? null : functionValue(letter, set);
      if (value === null) return null;
      values.push(value);
      shifted = letter === "S";
      continue;
    }
    if (byte === 0x7b) at += 1;
    const value = set === null ? null : characterValue(byte, shifted ? otherSet(set) : set);
    if (value === null) return null;
    values.push(value);
    shifted = false;
  }
  if (values.length < 2) return null;
  values.push(values.reduce((sum, value, index) => sum + value * Math.max(1, index), 0) % 103);
  return values;
}

const otherSet = (set: CodeSet): CodeSet => (set === "A" ? "B" : "A");

function functionValue(letter: string, set: CodeSet): number | null {
  switch (letter) {
    case "S":
      return set === "C" ? null : SHIFT;
    case "1":
      return FNC1;
    case "2":
      return set === "C" ? null : 97;
    case "3":
      return set === "C" ? null : 96;
    case "4":
      return set === "A" ? 101 : set === "B" ? 100 : null;
    default:
      return null;
  }
}

function characterValue(byte: number, set: CodeSet): number | null {
  if (set === "C") return byte <= 99 ? byte : null;
  if (set === "A") return byte < 0x20 ? byte + 64 : byte < 0x60 ? byte - 32 : null;
  return byte >= 0x20 && byte < 0x80 ? byte - 32 : null;
}

/** The text a scanner reads, for the line under the bars; functions are left out. */
export function code128Text(data: Uint8Array): string {
  let text = "";
  let inC = false;
  for (let at = 0; at < data.length; at += 1) {
    const byte = data[at] ?? 0;
    if (byte === 0x7b) {
      const next = data[at + 1] ?? 0;
      at += 1;
      if (next === 0x7b) text += "{";
      else if (next >= 0x41 && next <= 0x43) inC = next === 0x43;
      continue;
    }
    text += inC ? String(byte).padStart(2, "0") : byte < 0x20 ? " " : String.fromCharCode(byte);
  }
  return text;
}
