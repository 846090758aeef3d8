/**
 * The small language in which the command tables are written: a command is its leading bytes, some numbers,
 * and at most one run of bytes at the end. Decoder, encoder and types are all derived from these descriptions.
 */

/** A little-endian number: `u8`, `u16`, `i16` (two's complement) or `u32`. */
export interface NumberField<N extends string = string> {
  readonly name: N;
  readonly type: "u8" | "u16" | "i16" | "u32";
}

/** The bytes that end a command. */
export interface TailField<N extends string = string> {
  readonly name: N;
  readonly type: "tail";
  readonly measure: Measure;
  /** What stands around the bytes on the wire and is not part of the value: a count before, or a byte after. */
  readonly wrap: Wrap;
  /** Its length is found out on the way through it, not from its first bytes: it cannot be passed over unread. */
  readonly scanned: boolean;
}

export type Wrap = "none" | "count" | "nul" | "rs";

/** A byte that must have this value (function codes inside a framed command). */
export interface LiteralField {
  readonly name: "";
  readonly type: "literal";
  readonly value: number;
}

export type Field = NumberField | TailField | LiteralField;

/**
 * How long the tail is, counted from its first byte: a length in bytes, `MORE` when the bytes seen do not tell yet,
 * or `INVALID` when they cannot be such a command. `at` is the command's first byte, `from` the tail's, and bytes
 * from `end` on have not arrived.
 */
export type Measure = (bytes: Uint8Array, at: number, from: number, end: number) => number;
export const MORE = -1;
export const INVALID = -2;

/** What kind of count, if any, is written before the tail when a command is turned back into bytes. */
export type Frame = "none" | "u16" | "u32";

/** One command of a table. */
export interface Op<K extends string = string, F extends readonly Field[] = readonly Field[]> {
  readonly kind: K;
  /** Epson's name for it, as printed in command references: `ESC a`. */
  readonly code: string;
  readonly lead: readonly number[];
  readonly fields: F;
  /** Values of the byte after the lead for which this layout holds; `null` for all. */
  readonly when: readonly number[] | null;
  /** For members of a framed family (`GS ( k`): the width of the length that precedes the fields. */
  readonly frame: Frame;
}

type Named<F> = F extends { readonly name: "" } ? never : F;

/** The typed values of a layout's fields. */
export type Values<F extends readonly Field[]> = {
  readonly [X in Named<F[number]> as X["name"]]: X extends TailField ? Uint8Array : number;
};

export const u8 = <N extends string>(name: N): NumberField<N> => ({ name, type: "u8" });
export const u16 = <N extends string>(name: N): NumberField<N> => ({ name, type: "u16" });
export const i16 = <N extends string>(name: N): NumberField<N> => ({ name, type: "i16" });
export const u32 = <N extends string>(name: N): NumberField<N> => ({ name, type: "u32" });
export const literal = (value: number): LiteralField => ({ name: "", type: "literal", value });

/** A tail whose length follows from the fields before it, or that ends with a mark it must be searched for. */
export const sized = <N extends string>(name: N, measure: Measure, wrap: Wrap = "none"): TailField<N> => ({
  name,
  type: "tail",
  measure,
  wrap,
  scanned: wrap === "nul" || wrap === "rs",
});

/** A tail that must be read to find its end. */
export const scanned = <N extends string>(name: N, measure: Measure): TailField<N> => ({
  ...sized(name, measure),
  scanned: true,
});

/** A tail that takes whatever its frame still holds. */
export const rest = <N extends string>(name: N): TailField<N> => ({
  name,
  type: "tail",
  measure: (_bytes, _at, from, end) => end - from,
  wrap: "none",
  scanned: false,
});

/** Describes one command: its kind, its name in the references, its leading bytes and its fields. */
export function op<const K extends string, const F extends readonly Field[]>(
  kind: K,
  code: string,
  ...fields: F
): Op<K, F> {
  return { kind, code, lead: parseLead(code), fields, when: null, frame: "none" };
}

/** The same, for those values only of the byte after the lead (which stays a field). */
export function opWhen<const K extends string, const F extends readonly Field[]>(
  kind: K,
  code: string,
  when: readonly number[],
  ...fields: F
): Op<K, F> {
  return { kind, code, lead: parseLead(code), fields, when, frame: "none" };
}

/** A function of a framed family such as `GS ( k`: lead, a 16-bit length, then exactly these fields. */
export function fn<const K extends string, const F extends readonly Field[]>(
  kind: K,
  code: string,
  ...fields: F
): Op<K, F> {
  return { kind, code, lead: parseLead(code), fields, when: null, frame: "u16" };
}

// biome-ignore format: a table
const NAMES: Readonly<Record<string, number>> = {
  NUL: 0, SOH: 1, EOT: 4, ENQ: 5, ACK: 6, BEL: 7, HT: 9, LF: 10, FF: 12, CR: 13, SO: 14, SI: 15, DLE: 16, DC1: 17,
  DC2: 18, DC3: 19, DC4: 20, ETX: 3, CAN: 24, EM: 25, SUB: 26, ESC: 27, FS: 28, GS: 29, RS: 30, SP: 32,
};

function parseLead(code: string): readonly number[] {
  return code.split(" ").map((word) => {
    const named = NAMES[word];
    if (named !== undefined) return named;
    if (word.length === 1) return word.charCodeAt(0);
    throw new TypeError(`Not a command byte: ${word}`);
  });
}

/** Bytes a number or literal field occupies. */
export function widthOf(field: Field): number {
  switch (field.type) {
    case "u8":
    case "literal":
      return 1;
    case "u16":
    case "i16":
      return 2;
    case "u32":
      return 4;
    case "tail":
      return 0;
  }
}
