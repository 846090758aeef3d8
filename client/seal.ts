/**
 * The sealing core: a document becomes one age v1 file, manifest first. Runs in a browser as it does on Node; the
 * payload cipher is handed in.
 */
import { createHeader } from "../wire/age-header.ts";
import {
  CHUNK_BYTES,
  derivePayloadKey,
  PAYLOAD_NONCE_BYTES,
  PayloadSealer,
  sealedPayloadBytes,
} from "../wire/age-payload.ts";
import type { PayloadCipher } from "../wire/cipher.ts";
import { encodeManifest, type Manifest } from "../wire/manifest.ts";

/**
 * All that fixes the sealed bytes of one document. Sealing the same document under the same envelope again gives the
 * same bytes; another document must never be sealed under it (the key stream would repeat).
 */
export interface Envelope {
  /** The age header and the payload's nonce: the sealed file's beginning. */
  readonly head: Uint8Array;
  readonly payloadKey: Uint8Array;
  /** The plaintext's beginning. */
  readonly manifestLine: Uint8Array;
}

/** @throws RangeError when the manifest is longer than 8 KiB; ZodError when a field is not of the contract. */
export async function createEnvelope(recipients: readonly string[], manifest: Manifest): Promise<Envelope> {
  const manifestLine = encodeManifest(manifest);
  const { header, fileKey } = await createHeader(recipients);
  const nonce = crypto.getRandomValues(new Uint8Array(PAYLOAD_NONCE_BYTES));
  const head = new Uint8Array(header.length + nonce.length);
  head.set(header);
  head.set(nonce, header.length);
  return { head, payloadKey: derivePayloadKey(fileKey, nonce), manifestLine };
}

/** Size of the whole sealed file for so many document bytes. */
export function sealedBytes(envelope: Envelope, documentBytes: number): number {
  return envelope.head.length + sealedPayloadBytes(envelope.manifestLine.length + documentBytes);
}

/** Document bytes before the payload's chunk `chunk`. The manifest always ends within the first. */
export function documentOffset(envelope: Envelope, chunk: number): number {
  return chunk === 0 ? 0 : chunk * CHUNK_BYTES - envelope.manifestLine.length;
}

/**
 * The payload's sealed chunks from `firstChunk` on, each as soon as it is full. `document` begins at
 * {@link documentOffset} of that chunk, in pieces of any size that stay untouched until the next is asked for.
 */
export async function* sealChunks(
  envelope: Envelope,
  cipher: PayloadCipher,
  document: AsyncIterable<Uint8Array>,
  firstChunk = 0,
): AsyncGenerator<Uint8Array, void, undefined> {
  const sealer = new PayloadSealer(cipher, envelope.payloadKey, firstChunk);
  if (firstChunk === 0) yield* sealer.push(envelope.manifestLine);
  for await (const piece of document) yield* sealer.push(piece);
  yield sealer.end();
}

/** The whole sealed file as a stream; memory stays at a chunk or two. */
export async function* sealDocument(
  envelope: Envelope,
  cipher: PayloadCipher,
  document: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield envelope.head;
  yield* sealChunks(envelope, cipher, document);
}
