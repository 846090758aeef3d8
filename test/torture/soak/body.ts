/**
 * Documents that say who they are: one line with the job and the length, then bytes that follow from the job's id.
 * Whoever catches one at a printer can tell which it is, and whether it is whole.
 */
import { createCipheriv, createHash } from "node:crypto";

const CHUNK_BYTES = 64 * 1024;
const HEAD = /PLATEN-SOAK ([A-Za-z0-9-]{8,64}) ([0-9]{1,10})\n/;
/** Nothing a profile sends before a document is longer, but the cleaning after an interruption, which has an opening of its own. */
const HEAD_WITHIN_BYTES = 4096;

/** `text` is what every printer language takes for text, so that models of printers can read it. */
export type BodyKind = "binary" | "text";

export interface Head {
  readonly job: string;
  /** Of the whole document, its head included. */
  readonly bytes: number;
  /** Where the document begins in what was looked at. */
  readonly at: number;
}

/** At least 100 bytes. */
export function* generateBody(job: string, bytes: number, kind: BodyKind): Generator<Buffer> {
  const head = Buffer.from(`PLATEN-SOAK ${job} ${bytes}\n`);
  yield head;
  const key = createHash("sha256").update(job).digest();
  const stream = createCipheriv("aes-256-ctr", key, Buffer.alloc(16));
  const zeros = Buffer.alloc(CHUNK_BYTES);
  for (let left = bytes - head.length; left > 0; left -= CHUNK_BYTES) {
    const chunk = stream.update(zeros.subarray(0, Math.min(left, CHUNK_BYTES)));
    yield kind === "text" ? spell(chunk) : chunk;
  }
}

/** In hex. */
export function digestBody(job: string, bytes: number, kind: BodyKind): string {
  const hash = createHash("sha256");
  for (const chunk of generateBody(job, bytes, kind)) hash.update(chunk);
  return hash.digest("hex");
}

/** The head among the first bytes a printer took; null while there is none. */
export function findHead(taken: Buffer): Head | null {
  const match = HEAD.exec(taken.subarray(0, HEAD_WITHIN_BYTES).toString("latin1"));
  return match ? { job: match[1] ?? "", bytes: Number(match[2]), at: match.index } : null;
}

/** Letters in lines of 40; no byte that any printer language takes for a command. */
function spell(chunk: Buffer): Buffer {
  for (let at = 0; at < chunk.length; at++) chunk[at] = at % 40 === 39 ? 10 : 65 + ((chunk[at] ?? 0) % 26);
  return chunk;
}
