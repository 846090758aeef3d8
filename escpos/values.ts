import type { Field, Op, Wrap } from "./layout.ts";
import { long, word } from "./measure.ts";

/** A command under construction: its kind and span, then one property per field. */
export type Draft = Record<string, unknown>;

/**
 * Reads an op's fields into a draft.
 *
 * @param from offset of the first field
 * @param end offset after the command's last byte
 * @returns false when the bytes do not fit the layout (only framed functions are ever tried blindly)
 */
export function readFields(
  draft: Draft,
  fields: readonly Field[],
  bytes: Uint8Array,
  from: number,
  end: number,
): boolean {
  let at = from;
  for (let index = 0; index < fields.length; index += 1) {
    const field = fields[index] as Field;
    switch (field.type) {
      case "u8":
        draft[field.name] = bytes[at];
        at += 1;
        break;
      case "u16":
        draft[field.name] = word(bytes, at);
        at += 2;
        break;
      case "i16":
        draft[field.name] = (word(bytes, at) << 16) >> 16;
        at += 2;
        break;
      case "u32":
        draft[field.name] = long(bytes, at);
        at += 4;
        break;
      case "literal":
        if (at < end && bytes[at] !== field.value) return false;
        at += 1;
        break;
      case "tail":
        if (at > end) return false;
        draft[field.name] = unwrap(bytes, at, end, field.wrap);
        at = end;
        break;
    }
  }
  return at === end;
}

function unwrap(bytes: Uint8Array, from: number, end: number, wrap: Wrap): Uint8Array {
  if (wrap === "count") return bytes.subarray(from + 1, end);
  if (wrap === "none") return bytes.subarray(from, end);
  return bytes.subarray(from, end - 1);
}

const LARGEST = { u8: 0xff, u16: 0xffff, u32: 0xffffffff } as const;

/**
 * Writes an op's fields.
 *
 * @throws {TypeError} when a value is missing or does not fit its field
 */
export function writeFields(values: Readonly<Draft>, op: Op, out: ByteSink): void {
  for (const field of op.fields) {
    const value = values[field.name];
    if (field.type === "literal") out.push(field.value);
    else if (field.type === "tail") writeTail(value, field.wrap, op, out);
    else {
      const width = field.type === "u8" ? 1 : field.type === "u32" ? 4 : 2;
      const signed = field.type === "i16";
      if (!fits(value, signed ? -0x8000 : 0, signed ? 0x7fff : LARGEST[field.type])) {
        throw new TypeError(
          `${op.code}: ${field.name} is ${String(value)}, which does not fit ${field.type}`,
        );
      }
      for (let index = 0; index < width; index += 1) out.push((value >>> (8 * index)) & 0xff);
    }
  }
}

/** Where encoded bytes go. */
export interface ByteSink {
  push(byte: number): void;
  append(bytes: Uint8Array): void;
}

function fits(value: unknown, least: number, most: number): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= least && value <= most;
}

function writeTail(value: unknown, wrap: Wrap, op: Op, out: ByteSink): void {
  if (!(value instanceof Uint8Array)) throw new TypeError(`${op.code}: its data must be a Uint8Array`);
  if (wrap === "count") {
    if (value.length > 255) throw new TypeError(`${op.code}: ${value.length} bytes of data, 255 at most`);
    out.push(value.length);
  }

  out.append(value);
  if (wrap === "nul") out.push(0);
  if (wrap === "rs") out.push(0x1e);
}
