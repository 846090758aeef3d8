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
 * Chooses code sets for ASCII data so that the barcode is as short as can be.
 *
 * @returns Epson's notation for `GS k 73`: `{A`, `{B`, `{C` switch, `{S` shifts, pairs of digits are single bytes
 * @throws {TypeError} for characters beyond ASCII
 */
export function planCode128(text: string): Uint8Array {
  const out: number[] = [];
  const steps = shortestSteps(text);
  let set: CodeSet | null = null;
  for (let at = 0; at < text.length; ) {
    const code = text.charCodeAt(at);
    if (code > 0x7f) throw new TypeError(`Code 128 holds ASCII only, not ${JSON.stringify(text[at])}`);
    const next: CodeSet = set === null ? bestStart(steps[at]) : (steps[at] as Steps)[set as CodeSet].next;
    if (next !== set) out.push(0x7b, next.charCodeAt(0));
    set = next;
    if (set === "C") {
      out.push(Number(text.slice(at, at + 2)));
      at += 2;
      continue;
    }
    if (!holds(set, code)) out.push(0x7b, 0x53);
    if (code === 0x7b) out.push(0x7b);
    out.push(code);
    at += 1;
  }
  return Uint8Array.from(out);
}

/** From here to the end: symbols needed, and the set to be in for the next character. */
interface Step {
  readonly cost: number;
  readonly next: CodeSet;
}

type Steps = Readonly<Record<CodeSet, Step>>;

const SETS: readonly CodeSet[] = ["B", "C", "A"];
const IMPOSSIBLE = Number.POSITIVE_INFINITY;

/** Dynamic programming from the end: for each place and the set in use there, the cheapest way on. */
function shortestSteps(text: string): readonly Steps[] {
  const nothing: Step = { cost: 0, next: "B" };
  const steps: Steps[] = new Array(text.length + 2).fill({ A: nothing, B: nothing, C: nothing });
  for (let at = text.length - 1; at >= 0; at -= 1) {
    const code = text.charCodeAt(at);
    const pair = /^\d\d/.test(text.slice(at, at + 2));
    const inSet = (set: CodeSet): number => {
      if (set === "C") return pair ? 1 + (steps[at + 2] as Steps).C.cost : IMPOSSIBLE;
      return (holds(set, code) ? 1 : 2) + (steps[at + 1] as Steps)[set].cost;
    };
    const from = (current: CodeSet): Step =>
      SETS.map((next): Step => ({ cost: inSet(next) + (next === current ? 0 : 1), next })).reduce(
        (best, step) =>
          step.cost < best.cost || (step.cost === best.cost && step.next === current) ? step : best,
      );
    steps[at] = { A: from("A"), B: from("B"), C: from("C") };
  }
  return steps;
}

function bestStart(steps: Steps | undefined): CodeSet {
  if (steps === undefined) return "B";
  // What it costs to stay: to begin in a set is as dear as to begin in another.
  const costs = SETS.map((set) => ({ set, cost: steps[set].next === set ? steps[set].cost : IMPOSSIBLE }));
  return costs.reduce((best, each) => (each.cost < best.cost ? each : best)).set;
}

const holds = (set: "A" | "B", code: number): boolean => (set === "A" ? code < 0x60 : code >= 0x20);

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
