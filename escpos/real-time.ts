/**
 * Real-time commands are executed when they are received, by many printers even in the middle of another command's
 * data: `10 04 n` inside an image makes them answer with a status byte nobody asked for.
 */
export interface RealTimeSpot {
  /** Offset of the DLE in the stream. */
  readonly at: number;
  readonly request: "status" | "request" | "control";
}

const DLE = 0x10;

/**
 * Finds what a printer may take for a real-time command.
 *
 * @param bytes data of any command
 * @param base offset of its first byte in the stream
 * @returns the spots in order, or `null` when there are none; at most `limit`
 */
export function findRealTime(bytes: Uint8Array, base = 0, limit = 1024): readonly RealTimeSpot[] | null {
  let spots: RealTimeSpot[] | null = null;
  let at = bytes.indexOf(DLE);
  while (at >= 0 && at + 2 < bytes.length) {
    const request = classify(bytes[at + 1], bytes[at + 2] ?? 0);
    if (request !== null) {
      spots ??= [];
      spots.push({ at: base + at, request });
      if (spots.length >= limit) return spots;
    }
    at = bytes.indexOf(DLE, at + 1);
  }
  return spots;
}

function classify(second: number | undefined, n: number): RealTimeSpot["request"] | null {
  if (second === 0x04) return (n >= 1 && n <= 8) || n === 18 ? "status" : null;
  if (second === 0x05) return n <= 2 ? "request" : null;
  if (second === 0x14) return (n >= 1 && n <= 3) || n === 7 || n === 8 ? "control" : null;
  return null;
}
