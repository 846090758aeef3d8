/** The payload cipher on Node: OpenSSL's ChaCha20-Poly1305, several times the speed of the portable one. */
import { createCipheriv, createDecipheriv } from "node:crypto";
import type { PayloadCipher } from "./cipher.ts";

const TAG_BYTES = 16;
const OPTIONS = { authTagLength: TAG_BYTES };

export const nodeCipher: PayloadCipher = {
  seal: (key, nonce, plaintext) => {
    const cipher = createCipheriv("chacha20-poly1305", key, nonce, OPTIONS);
    const body = cipher.update(plaintext);
    cipher.final();
    return Buffer.concat([body, cipher.getAuthTag()], body.length + TAG_BYTES);
  },
  open: (key, nonce, ciphertext) => {
    if (ciphertext.length < TAG_BYTES) return null;
    const split = ciphertext.length - TAG_BYTES;
    const decipher = createDecipheriv("chacha20-poly1305", key, nonce, OPTIONS);
    decipher.setAuthTag(ciphertext.subarray(split));
    const plaintext = decipher.update(ciphertext.subarray(0, split));
    try {
      decipher.final();
      return plaintext;
    } catch {
      return null;
    }
  },
};
