/** A held document, opened again as a stream: spool, chunks, manifest line off, document bytes out. */
import { derivePayloadKey, PayloadOpener } from "../wire/age-payload.ts";
import { nodeCipher } from "../wire/cipher-node.ts";
import { ManifestReader } from "../wire/manifest.ts";
import type { Job } from "./job.ts";
import type { JobRecord } from "./job-record.ts";
import { shredPlaintext } from "./plaintext.ts";
import type { Spool } from "./spool.ts";

/** A job whose record is open: it can print. Whoever takes it closes it. */
export interface OpenedJob {
  readonly job: Job;
  readonly record: JobRecord;
}

/** Wipes the keys. Idempotent. */
export function closeJob({ record }: OpenedJob): void {
  record.fileKey.fill(0);
  record.payloadNonce.fill(0);
}

/** The spool file is gone, short or changed: the job cannot print any more. */
export class DocumentLost extends Error {
  constructor(cause: unknown) {
    super("the spool file cannot be read back", { cause });
    this.name = "DocumentLost";
  }
}

/** Up to so much is read back before the first byte goes to a printer: a page or two, and a blink of the eye. */
const PROVEN_BYTES = 4 * 1024 * 1024;

/**
 * What of these, in this order, can be read back whole, and what cannot. A long document is proven only where it broke
 * off for that reason before: reading it twice would keep its owner waiting, and what is damaged shows while it prints.
 * Rejects with what the disk says where it cannot be read at all: then nothing is known.
 */
export async function proveDocuments(
  spool: Spool,
  ordered: readonly OpenedJob[],
): Promise<{ readonly whole: OpenedJob[]; readonly lost: Job[] }> {
  const whole: OpenedJob[] = [];
  const lost: Job[] = [];
  let left = PROVEN_BYTES;
  for (const opened of ordered) {
    const { job } = opened;
    const brokeOff = job.state === "interrupted" && job.reason === "lost";
    const isDue = brokeOff || job.sealedBytes <= left;
    if (isDue) left -= job.sealedBytes;
    if (!isDue || (await isWhole(spool, opened))) whole.push(opened);
    else lost.push(job);
  }
  return { whole, lost };
}

async function isWhole(spool: Spool, opened: OpenedJob): Promise<boolean> {
  try {
    for await (const piece of readDocument(spool, opened)) shredPlaintext(piece);
    return true;
  } catch (cause) {
    if (!(cause instanceof DocumentLost)) throw cause;
    const code = cause.cause instanceof Error && "code" in cause.cause ? cause.cause.code : null;
    if (typeof code === "string" && /^E[A-Z]+$/.test(code) && code !== "ENOENT") throw cause.cause;
    return false;
  }
}

/**
 * The document's bytes in order, authenticated chunk by chunk; each piece is the reader's to wipe. Throws
 * {@link DocumentLost} in the place where the file fails.
 */
export async function* readDocument(spool: Spool, { job, record }: OpenedJob): AsyncGenerator<Uint8Array> {
  const key = derivePayloadKey(record.fileKey, record.payloadNonce);
  const opener = new PayloadOpener(nodeCipher, key);
  const manifest = new ManifestReader();
  try {
    for await (const sealed of readSealed(spool, job.attempt)) {
      for (const chunk of openChunks(opener, sealed)) {
        const document = takeDocument(manifest, chunk);
        if (document.length > 0) yield document;
      }
    }
    const document = takeDocument(manifest, endChunks(opener));
    if (document.length > 0) yield document;
  } finally {
    key.fill(0);
  }
}

/** The manifest's line holds the OTP: it is wiped where it lies. */
function takeDocument(manifest: ManifestReader, chunk: Uint8Array): Uint8Array {
  const document = manifest.push(chunk);
  chunk.subarray(0, chunk.length - document.length).fill(0);
  return document;
}

async function* readSealed(spool: Spool, attempt: string): AsyncGenerator<Uint8Array> {
  const pieces = spool.read(attempt);
  try {
    for (;;) {
      const piece = await pieces.next().catch((cause) => {
        throw new DocumentLost(cause);
      });
      if (piece.done) return;
      yield piece.value;
    }
  } finally {
    await pieces.return(undefined);
  }
}

function* openChunks(opener: PayloadOpener, sealed: Uint8Array): Generator<Uint8Array> {
  const chunks = opener.push(sealed);
  for (;;) {
    const chunk = attempt(() => chunks.next());
    if (chunk.done) return;
    yield chunk.value;
  }
}

function endChunks(opener: PayloadOpener): Uint8Array {
  return attempt(() => opener.end());
}

function attempt<T>(step: () => T): T {
  try {
    return step();
  } catch (cause) {
    throw new DocumentLost(cause);
  }
}
