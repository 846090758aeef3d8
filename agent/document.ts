/** A held document, opened again as a stream: spool, chunks, manifest line off, document bytes out. */
import { derivePayloadKey, PayloadOpener } from "../wire/age-payload.ts";
import { nodeCipher } from "../wire/cipher-node.ts";
import { ManifestReader } from "../wire/manifest.ts";
import type { Job } from "./job.ts";
import type { JobRecord } from "./job-record.ts";
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
