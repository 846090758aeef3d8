/**
 * The manifest: one line of JSON before the document, inside the seal. Only sender and agent ever see it.
 * `{"v":1,"otp":"48213907"}\n<document>`; docs/protocol.md lists the fields.
 */
import { z } from "zod";
import { MANIFEST_BYTES_MAX } from "./limits.ts";
import { isJobId, isName } from "./name.ts";

const name = z.string().refine(isName);
const wholeSeconds = z.int().min(0).max(253_402_300_799);

const schema = z.object({
  v: z.literal(1),
  otp: z.string().regex(/^[0-9]{6,12}$/),
  expires: wholeSeconds.optional(),
  name: z.string().max(1024).optional(),
  type: z.string().max(128).optional(),
  copies: z.int().min(1).max(99).optional(),
  user: name.optional(),
  job: z.string().refine(isJobId).optional(),
  to: name.optional(),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
  set: z.string().refine(isJobId).optional(),
  seq: z.int().min(1).max(99).optional(),
  of: z.int().min(1).max(99).optional(),
  raw: z.boolean().optional(),
});

/** Unknown fields are ignored; an absent field takes the default of docs/protocol.md. */
export type Manifest = z.infer<typeof schema>;

/** Their names, as docs/protocol.md lists them. */
export const manifestFields: readonly string[] = Object.keys(schema.shape);

/** What {@link ManifestReader} found: the manifest, or why there is none. */
export type ManifestResult =
  | { readonly ok: true; readonly manifest: Manifest }
  | { readonly ok: false; readonly why: "no-line" | "too-long" | "no-json" | "bad-field" };

/** Parses the line (without its `\n`). `set`, `seq` and `of` come together or not at all, `seq` at most `of`. */
export function parseManifest(line: Uint8Array): ManifestResult {
  if (line.length >= MANIFEST_BYTES_MAX) return { ok: false, why: "too-long" };
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(line));
  } catch {
    return { ok: false, why: "no-json" };
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) return { ok: false, why: "bad-field" };
  const { set, seq, of } = parsed.data;
  const together = [set, seq, of].filter((field) => field !== undefined).length;
  if (together !== 0 && (together !== 3 || (seq as number) > (of as number))) {
    return { ok: false, why: "bad-field" };
  }
  return { ok: true, manifest: parsed.data };
}

/** The line as it stands before the document, `\n` included. A `RangeError` when it would be too long. */
export function encodeManifest(manifest: Manifest): Uint8Array {
  const line = new TextEncoder().encode(`${JSON.stringify(schema.parse(manifest))}\n`);
  if (line.length > MANIFEST_BYTES_MAX) {
    throw new RangeError(`the manifest is ${line.length} bytes; at most ${MANIFEST_BYTES_MAX} are allowed`);
  }
  return line;
}

/**
 * Splits a plaintext stream into manifest and document. Feed it chunks in order: until the line is whole it keeps
 * them (at most 8 KiB and one chunk), then it hands document bytes straight through.
 */
export class ManifestReader {
  #head: Uint8Array = new Uint8Array(0);
  #result: ManifestResult | null = null;

  /** Null while the line is not whole. */
  get result(): ManifestResult | null {
    return this.#result;
  }

  /** Returns the document bytes among `chunk`; empty while the manifest is not whole or is bad. */
  push(chunk: Uint8Array): Uint8Array {
    if (this.#result) return this.#result.ok ? chunk : chunk.subarray(chunk.length);
    const newline = chunk.indexOf(0x0a);
    const taken = newline === -1 ? chunk : chunk.subarray(0, newline);
    if (this.#head.length + taken.length >= MANIFEST_BYTES_MAX) {
      this.#result = { ok: false, why: "too-long" };
      return chunk.subarray(chunk.length);
    }
    const line = new Uint8Array(this.#head.length + taken.length);
    line.set(this.#head);
    line.set(taken, this.#head.length);
    this.#head = line;
    if (newline === -1) return chunk.subarray(chunk.length);
    this.#result = parseManifest(line);
    line.fill(0);
    return this.#result.ok ? chunk.subarray(newline + 1) : chunk.subarray(chunk.length);
  }

  /** Call at the end of the plaintext: a stream without a line has no manifest. */
  end(): ManifestResult {
    this.#result ??= { ok: false, why: "no-line" };
    return this.#result;
  }
}
