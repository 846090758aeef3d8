/** Opens a sealed file with the wire room's pieces, as an agent does, in pieces of any size. */
import { HeaderReader, openHeader } from "../../wire/age-header.ts";
import { derivePayloadKey, PAYLOAD_NONCE_BYTES, PayloadOpener } from "../../wire/age-payload.ts";
import type { PayloadCipher } from "../../wire/cipher.ts";
import { nodeCipher } from "../../wire/cipher-node.ts";
import { PlatenError } from "../../wire/error.ts";

export interface Opened {
  /** What was released, even when `error` ended it. */
  readonly plaintext: Buffer;
  readonly error: unknown;
}

export async function openSealed(
  sealed: Uint8Array,
  identity: string,
  pieces: readonly number[] = [sealed.length || 1],
  cipher: PayloadCipher = nodeCipher,
): Promise<Opened> {
  const released: Uint8Array[] = [];
  let error: unknown = null;
  try {
    await open(cut(sealed, pieces), identity, cipher, (plain) => released.push(Uint8Array.from(plain)));
  } catch (caught) {
    error = caught;
  }
  return { plaintext: Buffer.concat(released), error };
}

async function open(
  pieces: Iterable<Uint8Array>,
  identity: string,
  cipher: PayloadCipher,
  release: (plain: Uint8Array) => void,
): Promise<void> {
  const reader = new HeaderReader();
  let opener: PayloadOpener | null = null;
  let fileKey: Uint8Array | null = null;
  let nonce = Buffer.alloc(0);
  for (let piece of pieces) {
    if (!fileKey) {
      const found = reader.push(piece);
      if (!found) continue;
      fileKey = await openHeader(found.header, identity);
      piece = found.rest;
    }
    if (!opener) {
      const take = Math.min(PAYLOAD_NONCE_BYTES - nonce.length, piece.length);
      nonce = Buffer.concat([nonce, piece.subarray(0, take)]);
      if (nonce.length < PAYLOAD_NONCE_BYTES) continue;
      opener = new PayloadOpener(cipher, derivePayloadKey(fileKey, nonce));
      piece = piece.subarray(take);
    }
    for (const plain of opener.push(piece)) release(plain);
  }
  // Cut off within the header or the nonce behind it.
  if (!opener) throw new PlatenError("seal-header");
  release(opener.end());
}

export function* cut(bytes: Uint8Array, sizes: readonly number[]): Generator<Uint8Array> {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] ?? 1;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}
