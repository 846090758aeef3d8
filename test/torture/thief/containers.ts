/** What may be packed in bytes: compressed streams and long runs of base64 or hex, wherever they begin. */
import {
  brotliDecompressSync,
  constants,
  gunzipSync,
  inflateRawSync,
  inflateSync,
  zstdDecompressSync,
} from "node:zlib";

const OPENED_BYTES_MAX = 64 * 1024 * 1024;
/** Brotli has no mark to be known by: it is tried on whole pieces only, which must not be large. */
const BROTLI_BYTES_MAX = 4 * 1024 * 1024;
const RUN_CHARS_MIN = 32;
/** What one stream of unknown length may take of the rest: a stream ends by itself. */
const REST_BYTES_MAX = 16 * 1024 * 1024;

const TOLERANT = { maxOutputLength: OPENED_BYTES_MAX, finishFlush: constants.Z_SYNC_FLUSH };
const GZIP = Buffer.of(0x1f, 0x8b, 0x08);
const ZSTD = Buffer.of(0x28, 0xb5, 0x2f, 0xfd);
const ZIP = Buffer.from("PK\u0003\u0004", "latin1");
const ZIP_HEADER_BYTES = 30;

export interface Opened {
  readonly how: string;
  readonly bytes: Buffer;
}

/** Everything that opens, one level down. Most attempts fail, as they must. */
export function* openContainers(content: Buffer): Generator<Opened> {
  yield* openAt(content, GZIP, "gzip", (rest) => gunzipSync(rest, TOLERANT));
  yield* openAt(content, ZSTD, "zstd", openZstd);
  yield* openAt(content, ZIP, "zip", openZipEntry);
  yield* openZlib(content);
  if (content.length <= BROTLI_BYTES_MAX) {
    const opened = attempt(() => brotliDecompressSync(content, { maxOutputLength: OPENED_BYTES_MAX }));
    if (opened) yield { how: "brotli", bytes: opened };
  }
  yield* decodeRuns(content);
}

function* openAt(
  content: Buffer,
  mark: Buffer,
  how: string,
  open: (rest: Buffer) => Buffer,
): Generator<Opened> {
  for (let at = content.indexOf(mark); at !== -1; at = content.indexOf(mark, at + 1)) {
    const opened = attempt(() => open(content.subarray(at, at + REST_BYTES_MAX)));
    if (opened) yield { how, bytes: opened };
  }
}

/** A zlib header is two bytes whose value divides by 31: one pair in some 16,000 of anything looks like it. */
function* openZlib(content: Buffer): Generator<Opened> {
  for (let at = content.indexOf(0x78); at !== -1; at = content.indexOf(0x78, at + 1)) {
    if (at + 6 > content.length) return;
    if (content.readUInt16BE(at) % 31 !== 0 || ((content[at + 1] as number) & 0x20) !== 0) continue;
    const opened = attempt(() => inflateSync(content.subarray(at, at + REST_BYTES_MAX), TOLERANT));
    if (opened) yield { how: "zlib", bytes: opened };
  }
}

/** zstd frames say where they end only when they are read: what follows one must not spoil it. */
function openZstd(rest: Buffer): Buffer {
  return zstdDecompressSync(rest.subarray(0, zstdLength(rest)), { maxOutputLength: OPENED_BYTES_MAX });
}

/** RFC 8878, 3.1.1: the header, then blocks with their size, the last of which says so. */
function zstdLength(frame: Buffer): number {
  const descriptor = frame[4] ?? 0;
  const isSingle = (descriptor & 0x20) !== 0;
  const sizeBytes = [isSingle ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
  let at = 5 + (isSingle ? 0 : 1) + ([0, 1, 2, 4][descriptor & 3] ?? 0) + sizeBytes;
  for (;;) {
    const header = frame.readUIntLE(at, 3);
    at += 3 + (((header >> 1) & 3) === 1 ? 1 : header >> 3);
    if (header & 1) break;
  }
  return at + ((descriptor & 4) === 0 ? 0 : 4);
}

function openZipEntry(rest: Buffer): Buffer {
  const method = rest.readUInt16LE(8);
  const from = ZIP_HEADER_BYTES + rest.readUInt16LE(26) + rest.readUInt16LE(28);
  if (method !== 8) throw new RangeError("stored, or something rare");
  return inflateRawSync(rest.subarray(from), TOLERANT);
}

function* decodeRuns(content: Buffer): Generator<Opened> {
  const text = content.toString("latin1");
  for (const [run] of text.matchAll(new RegExp(`[0-9a-fA-F]{${RUN_CHARS_MIN},}`, "g"))) {
    for (const shift of [0, 1]) {
      const pairs = run.slice(shift, run.length - ((run.length - shift) % 2));
      yield { how: "hex", bytes: Buffer.from(pairs, "hex") };
    }
  }
  for (const [run] of text.matchAll(new RegExp(`[A-Za-z0-9+/_-]{${RUN_CHARS_MIN},}`, "g"))) {
    for (const shift of [0, 1, 2, 3]) yield { how: "base64", bytes: Buffer.from(run.slice(shift), "base64") };
  }
}

function attempt(open: () => Buffer): Buffer | null {
  try {
    const opened = open();
    return opened.length > 0 ? opened : null;
  } catch {
    return null;
  }
}
