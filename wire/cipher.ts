/**
 * The payload cipher as a small port, so that the same sealing core runs on Node (node:crypto) and in a browser
 * (`@noble/ciphers`). ChaCha20-Poly1305, RFC 8439; the tag follows the ciphertext.
 */
export interface PayloadCipher {
  seal(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array): Uint8Array;
  /** Null when authentication fails. */
  open(key: Uint8Array, nonce: Uint8Array, ciphertext: Uint8Array): Uint8Array | null;
  /** The same with the key made ready once, where that saves work for each of many chunks. */
  bind?(key: Uint8Array): BoundCipher;
}

/** A payload cipher with its key. */
export interface BoundCipher {
  seal(nonce: Uint8Array, plaintext: Uint8Array): Uint8Array;
  open(nonce: Uint8Array, ciphertext: Uint8Array): Uint8Array | null;
}

export function bindCipher(cipher: PayloadCipher, key: Uint8Array): BoundCipher {
  return (
    cipher.bind?.(key) ?? {
      seal: (nonce, plaintext) => cipher.seal(key, nonce, plaintext),
      open: (nonce, ciphertext) => cipher.open(key, nonce, ciphertext),
    }
  );
}
