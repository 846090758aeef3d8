import { INVALID, type Measure, MORE } from "./layout.ts";

/** The little-endian 16-bit number at an offset; missing bytes count as zero. */
export const word = (bytes: Uint8Array, at: number): number => (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);

/** The little-endian 32-bit number at an offset. */
export const long = (bytes: Uint8Array, at: number): number =>
  word(bytes, at) + word(bytes, at + 2) * 0x10000;

/** Longest data accepted before the NUL that ends `GS k` form A; the counted form cannot say more either. */
const NUL_LIMIT = 255;

/** Data up to and including a NUL; the tail includes the NUL. */
export const untilNul: Measure = (bytes, _at, from, end) => {
  const limit = Math.min(end, from + NUL_LIMIT + 1);
  for (let at = from; at < limit; at += 1) if (bytes[at] === 0) return at - from + 1;
  return limit === end && end < from + NUL_LIMIT + 1 ? MORE : INVALID;
};

/** Data up to and including a Star barcode's RS. */
export const untilRs: Measure = (bytes, _at, from, end) => {
  const limit = Math.min(end, from + NUL_LIMIT + 1);
  for (let at = from; at < limit; at += 1) if (bytes[at] === 0x1e) return at - from + 1;
  return limit === end && end < from + NUL_LIMIT + 1 ? MORE : INVALID;
};

/**
 * Tab positions of `ESC D`: ascending, at most 32, ended by NUL. A value that does not ascend ends the command too
 * and is data again, as does a 33rd value.
 */
export const tabStops: Measure = (bytes, _at, from, end) => {
  let previous = 0;
  for (let count = 0; count <= 32; count += 1) {
    const at = from + count;
    if (at >= end) return MORE;
    const stop = bytes[at] ?? 0;
    if (stop === 0) return count + 1;
    if (stop <= previous || count === 32) return count;
    previous = stop;
  }
  return INVALID;
};

/** A one-byte count, then that many bytes; the tail includes the count. */
export const counted: Measure = (bytes, _at, from, end) => (from < end ? 1 + (bytes[from] ?? 0) : MORE);

/** `ESC &` y c1 c2, then for each character a width and width x y bytes. */
export const userCharacters: Measure = (bytes, at, from, end) => {
  const rows = bytes[at + 2] ?? 0;
  const count = (bytes[at + 4] ?? 0) - (bytes[at + 3] ?? 0) + 1;
  if (count < 1 || rows < 1) return INVALID;
  let cursor = from;
  for (let index = 0; index < count; index += 1) {
    if (cursor >= end) return MORE;
    cursor += 1 + (bytes[cursor] ?? 0) * rows;
  }
  return cursor - from;
};

/** `FS q` n, then n images of xL xH yL yH and x * y * 8 bytes. */
export const nvImages: Measure = (bytes, at, from, end) => {
  const count = bytes[at + 2] ?? 0;
  if (count === 0) return INVALID;
  let cursor = from;
  for (let index = 0; index < count; index += 1) {
    if (cursor + 4 > end) return MORE;
    cursor += 4 + word(bytes, cursor) * word(bytes, cursor + 2) * 8;
  }
  return cursor - from;
};

/** `GS D` 48 67|83 ...: a Windows bitmap, which states its own size in bytes 2 to 5. */
export const windowsBitmap: Measure = (bytes, _at, from, end) => {
  if (from + 6 > end) return MORE;
  if (bytes[from] !== 0x42 || bytes[from + 1] !== 0x4d) return INVALID;
  return Math.max(6, long(bytes, from + 2));
};

/** `GS C ;` n ; n ; n ; n ; n ;: five decimal numbers, each followed by a semicolon. */
export const counterText: Measure = (bytes, _at, from, end) => {
  let seen = 0;
  for (let at = from; at < from + 40; at += 1) {
    if (at >= end) return MORE;
    const byte = bytes[at] ?? 0;
    if (byte === 0x3b) {
      seen += 1;
      if (seen === 5) return at - from + 1;
    } else if (byte < 0x30 || byte > 0x39) return INVALID;
  }
  return INVALID;
};
