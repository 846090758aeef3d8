/**
 * The payload cipher as a small port, so that the same sealing core runs on Node (node:crypto) and in a browser
 * (`@noble/ciphers`). ChaCha20-Poly1305, RFC 8439; the tag follows the ciphertext.
 */
export interface PayloadCipher {
  seal(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array): Uint8Array;
  /** Null when authentication fails. */
  open(key: Uint8Array, nonce: Uint8Array, ciphertext: Uint8Array): Uint8Array | null;
}
