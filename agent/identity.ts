/**
 * What makes an agent this agent: the age identity documents are sealed to, and the secret and salt its tags and
 * OTP derivations hang on. On the card they lie only under a key derived from the boot share, which the broker keeps.
 */
import { timingSafeEqual } from "node:crypto";
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concatBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { nodeCipher } from "../wire/cipher-node.ts";
import { PlatenError } from "../wire/error.ts";
import type { KeeperSecrets } from "./keeper-port.ts";

export const BOOT_SHARE_BYTES = 32;
const DEVICE_SECRET_BYTES = 32;
const DEVICE_SALT_BYTES = 16;
const SEAL_SALT_BYTES = 16;
const VERSION = 1;
const INFO = utf8ToBytes("platen/identity/v1");
/** The key is fresh for every sealing (its salt is drawn), so the nonce need not be. */
const ZERO_NONCE = new Uint8Array(12);

export async function generateSecrets(): Promise<KeeperSecrets> {
  return {
    identity: await generateX25519Identity(),
    deviceSecret: drawBytes(DEVICE_SECRET_BYTES),
    deviceSalt: drawBytes(DEVICE_SALT_BYTES),
  };
}

/** The public half senders seal to (`age1...`). */
export function recipientOf(secrets: KeeperSecrets): Promise<string> {
  return identityToRecipient(secrets.identity);
}

export function drawBytes(count: number): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(count));
}

/** `version(1) | salt(16) | ChaCha20-Poly1305(secret(32) | salt(16) | age identity)` under HKDF(boot share). */
export function sealSecrets(secrets: KeeperSecrets, bootShare: Uint8Array): Uint8Array {
  const salt = drawBytes(SEAL_SALT_BYTES);
  const plain = concatBytes(secrets.deviceSecret, secrets.deviceSalt, utf8ToBytes(secrets.identity));
  const sealed = nodeCipher.seal(deriveKey(bootShare, salt), ZERO_NONCE, plain);
  plain.fill(0);
  return concatBytes(Uint8Array.of(VERSION), salt, sealed);
}

/** @throws PlatenError `identity-damaged` when the share is another's or the file is damaged; nothing tells which. */
export function openSecrets(sealed: Uint8Array, bootShare: Uint8Array): KeeperSecrets {
  const salt = sealed.subarray(1, 1 + SEAL_SALT_BYTES);
  const body = sealed.subarray(1 + SEAL_SALT_BYTES);
  const known =
    sealed[0] === VERSION && salt.length === SEAL_SALT_BYTES && bootShare.length === BOOT_SHARE_BYTES;
  const plain = known ? nodeCipher.open(deriveKey(bootShare, salt), ZERO_NONCE, body) : null;
  if (!plain || plain.length <= DEVICE_SECRET_BYTES + DEVICE_SALT_BYTES)
    throw new PlatenError("identity-damaged");
  const secrets = {
    // Copies: the cipher returns a Buffer, whose `slice` would share what is wiped below.
    deviceSecret: Uint8Array.from(plain.subarray(0, DEVICE_SECRET_BYTES)),
    deviceSalt: Uint8Array.from(plain.subarray(DEVICE_SECRET_BYTES, DEVICE_SECRET_BYTES + DEVICE_SALT_BYTES)),
    identity: new TextDecoder().decode(plain.subarray(DEVICE_SECRET_BYTES + DEVICE_SALT_BYTES)),
  };
  plain.fill(0);
  return secrets;
}

function deriveKey(bootShare: Uint8Array, salt: Uint8Array): Uint8Array {
  return hkdf(sha256, bootShare, salt, INFO, 32);
}

export function sameSecret(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
