/** The portable payload cipher: for browsers, and as the second opinion in tests. */
import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import type { PayloadCipher } from "./cipher.ts";

export const nobleCipher: PayloadCipher = {
  seal: (key, nonce, plaintext) => chacha20poly1305(key, nonce).encrypt(plaintext),
  open: (key, nonce, ciphertext) => {
    try {
      return chacha20poly1305(key, nonce).decrypt(ciphertext);
    } catch {
      return null;
    }
  },
};
