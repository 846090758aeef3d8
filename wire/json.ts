/** JSON from outside: bounded and strictly UTF-8 before it is parsed, a schema right after. */
import type { z } from "zod";

/**
 * Parses `bytes` as UTF-8 JSON of `schema`; null when it is longer than `maxBytes`, no UTF-8, no JSON or of another shape.
 * Never throws, never says why: the caller's error is about what was expected.
 */
export function parseJson<T>(bytes: Uint8Array, maxBytes: number, schema: z.ZodType<T>): T | null {
  if (bytes.length > maxBytes) return null;
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    const parsed = schema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

export function encodeJson(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}
