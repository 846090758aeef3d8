/**
 * The payload of an age v1 file (age-encryption.org/v1, "Payload"): a 16-byte nonce, then STREAM chunks of 64 KiB,
 * each sealed with ChaCha20-Poly1305 under HKDF-SHA-256(file key, nonce, "payload").
 */
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { type BoundCipher, bindCipher, type PayloadCipher } from "./cipher.ts";
import { PlatenError } from "./error.ts";

export const PAYLOAD_NONCE_BYTES = 16;
export const CHUNK_BYTES = 64 * 1024;
export const SEALED_CHUNK_BYTES = CHUNK_BYTES + 16;
const INFO = new TextEncoder().encode("payload");

/** The key of the payload's chunks. */
export function derivePayloadKey(fileKey: Uint8Array, nonce: Uint8Array): Uint8Array {
  return hkdf(sha256, fileKey, nonce, INFO, 32);
}

/** Size of the payload's chunks (without nonce) for so much plaintext. */
export function sealedPayloadBytes(plaintextBytes: number): number {
  return plaintextBytes + 16 * Math.max(1, Math.ceil(plaintextBytes / CHUNK_BYTES));
}

/** The STREAM nonce: an 11-byte big-endian counter and the last-chunk flag. */
function chunkNonce(counter: number, last: boolean): Uint8Array {
  const nonce = new Uint8Array(12);
  const view = new DataView(nonce.buffer);
  view.setUint32(3, Math.floor(counter / 2 ** 32));
  view.setUint32(7, counter % 2 ** 32);
  nonce[11] = last ? 1 : 0;
  return nonce;
}

/** Cuts what is pushed into pieces of `size`, holding the newest back: only `end` knows which piece is the last. */
class Chunker {
  readonly #size: number;
  readonly #buffer: Uint8Array;
  #filled = 0;

  constructor(size: number) {
    this.#size = size;
    this.#buffer = new Uint8Array(size);
  }

  *push(bytes: Uint8Array): Generator<Uint8Array> {
    let at = 0;
    while (at < bytes.length) {
      if (this.#filled === this.#size) {
        yield this.#buffer;
        this.#filled = 0;
      }
      // Whole pieces with more behind them need no copy.
      while (this.#filled === 0 && bytes.length - at > this.#size) {
        yield bytes.subarray(at, at + this.#size);
        at += this.#size;
      }
      const take = Math.min(this.#size - this.#filled, bytes.length - at);
      this.#buffer.set(bytes.subarray(at, at + take), this.#filled);
      this.#filled += take;
      at += take;
    }
  }

  end(): Uint8Array {
    return this.#buffer.subarray(0, this.#filled);
  }
}

/**
 * Seals plaintext, in pieces of any size, into chunks. Holds at most one chunk. `firstChunk` lets a sender seal again
 * from the middle; the plaintext must then be the very same, since key and nonces are.
 */
export class PayloadSealer {
  readonly #cipher: BoundCipher;
  readonly #chunker = new Chunker(CHUNK_BYTES);
  #counter: number;

  constructor(cipher: PayloadCipher, payloadKey: Uint8Array, firstChunk = 0) {
    this.#cipher = bindCipher(cipher, payloadKey);
    this.#counter = firstChunk;
  }

  *push(plaintext: Uint8Array): Generator<Uint8Array> {
    for (const chunk of this.#chunker.push(plaintext)) {
      yield this.#cipher.seal(chunkNonce(this.#counter++, false), chunk);
    }
  }

  /** The last chunk. Call once. */
  end(): Uint8Array {
    return this.#cipher.seal(chunkNonce(this.#counter, true), this.#chunker.end());
  }
}

/**
 * Opens chunks, in pieces of any size. Holds at most one chunk. Yields only authenticated plaintext; throws
 * {@link PlatenError} `seal-payload` at the first chunk that is damaged, out of order, or missing.
 */
export class PayloadOpener {
  readonly #cipher: BoundCipher;
  readonly #chunker = new Chunker(SEALED_CHUNK_BYTES);
  #counter = 0;

  constructor(cipher: PayloadCipher, payloadKey: Uint8Array) {
    this.#cipher = bindCipher(cipher, payloadKey);
  }

  *push(sealed: Uint8Array): Generator<Uint8Array> {
    for (const chunk of this.#chunker.push(sealed)) yield this.#open(chunk, false);
  }

  /** The last chunk's plaintext. Call once, at the end of the file: it is what proves that nothing was cut off. */
  end(): Uint8Array {
    const plaintext = this.#open(this.#chunker.end(), true);
    // An empty last chunk is only allowed for an empty file (age spec, "Payload").
    if (plaintext.length === 0 && this.#counter > 1) throw new PlatenError("seal-payload");
    return plaintext;
  }

  #open(chunk: Uint8Array, last: boolean): Uint8Array {
    const plaintext = this.#cipher.open(chunkNonce(this.#counter++, last), chunk);
    if (!plaintext) throw new PlatenError("seal-payload");
    return plaintext;
  }
}
