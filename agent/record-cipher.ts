/**
 * The record's cipher: ChaCha20-Poly1305 with the zero nonce, since its key is fresh for every write, and everything
 * that the row says in the clear as additional data. The tag follows the ciphertext.
 */
import { createCipheriv, createDecipheriv } from "node:crypto";

const ALGORITHM = "chacha20-poly1305";
const TAG_BYTES = 16;
const OPTIONS = { authTagLength: TAG_BYTES };
const ZERO_NONCE = new Uint8Array(12);

export function sealRecord(key: Uint8Array, aad: Uint8Array, plain: Uint8Array): Uint8Array {
  const cipher = createCipheriv(ALGORITHM, key, ZERO_NONCE, OPTIONS);
  cipher.setAAD(aad, { plaintextLength: plain.length });
  const body = cipher.update(plain);
  cipher.final();
  return Buffer.concat([body, cipher.getAuthTag()]);
}

/** Null when authentication fails. */
export function openRecord(key: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Uint8Array | null {
  const split = sealed.length - TAG_BYTES;
  if (split < 0) return null;
  const decipher = createDecipheriv(ALGORITHM, key, ZERO_NONCE, OPTIONS);
  decipher.setAAD(aad, { plaintextLength: split });
  decipher.setAuthTag(sealed.subarray(split));
  const plain = decipher.update(sealed.subarray(0, split));
  try {
    decipher.final();
    return plain;
  } catch {
    plain.fill(0);
    return null;
  }
}
