/**
 * minisign's key and signature formats (jedisct1.github.io/minisign), prehashed (`ED`): BLAKE2b-512 of the message,
 * Ed25519 over the hash, and a second signature over the first and the trusted comment. Pure bytes; runs in a browser.
 */
import { ed25519 } from "@noble/curves/ed25519.js";
import { blake2b } from "@noble/hashes/blake2.js";
import { concatBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { decodeBase64, encodeBase64 } from "./base64.ts";

const ALGORITHM = utf8ToBytes("Ed");
const ALGORITHM_PREHASHED = utf8ToBytes("ED");
const UNTRUSTED = "untrusted comment: ";
const TRUSTED = "trusted comment: ";

/** A fleet public key: the 8-byte key id and the Ed25519 point. */
export interface FleetPublicKey {
  readonly id: Uint8Array;
  readonly key: Uint8Array;
}

/** A fleet key with its secret half: the 32-byte Ed25519 seed. */
export interface FleetKey extends FleetPublicKey {
  readonly seed: Uint8Array;
}

export function generateFleetKey(): FleetKey {
  const seed = ed25519.utils.randomSecretKey();
  return { id: crypto.getRandomValues(new Uint8Array(8)), key: ed25519.getPublicKey(seed), seed };
}

/** The 42 bytes minisign calls a public key: `Ed`, id, key. */
export function encodePublicKey({ id, key }: FleetPublicKey): Uint8Array {
  return concatBytes(ALGORITHM, id, key);
}

/** Null unless it is 42 bytes beginning with `Ed`. */
export function decodePublicKey(bytes: Uint8Array): FleetPublicKey | null {
  if (bytes.length !== 42 || !startsWith(bytes, ALGORITHM)) return null;
  return { id: bytes.slice(2, 10), key: bytes.slice(10) };
}

/** The one line `minisign -P` takes. */
export function formatPublicKey(key: FleetPublicKey): string {
  return encodeBase64(encodePublicKey(key));
}

export function parsePublicKey(text: string): FleetPublicKey | null {
  const line = text
    .split("\n")
    .map((part) => part.trim())
    .findLast((part) => part !== "" && !part.startsWith(UNTRUSTED));
  const bytes = decodeBase64(line ?? "");
  return bytes && decodePublicKey(bytes);
}

/** A `minisign.pub` file. */
export function formatPublicKeyFile(key: FleetPublicKey): string {
  return `${UNTRUSTED}minisign public key ${formatId(key.id)}\n${formatPublicKey(key)}\n`;
}

/** A secret key file as `minisign -G -W` writes it: not encrypted, so its file mode is its lock. */
export function formatSecretKeyFile({ id, key, seed }: FleetKey): string {
  const secret = concatBytes(seed, key);
  const checksum = blake2b(concatBytes(ALGORITHM, id, secret), { dkLen: 32 });
  const noKdf = new Uint8Array(2 + 32 + 8 + 8);
  const bytes = concatBytes(
    ALGORITHM,
    noKdf.subarray(0, 2),
    utf8ToBytes("B2"),
    noKdf.subarray(2),
    id,
    secret,
    checksum,
  );
  return `${UNTRUSTED}platen fleet key\n${encodeBase64(bytes)}\n`;
}

/**
 * Null when it is no unencrypted minisign secret key, or is damaged. `minisign -G -W` leaves the checksum zero; that
 * the seed gives the public key beside it says as much.
 */
export function parseSecretKeyFile(text: string): FleetKey | null {
  const bytes = decodeBase64(text.split("\n")[1]?.trim() ?? "");
  if (bytes?.length !== 158 || !startsWith(bytes, ALGORITHM) || bytes[2] !== 0 || bytes[3] !== 0) return null;
  const [id, secret, checksum] = [bytes.slice(54, 62), bytes.slice(62, 126), bytes.slice(126)];
  const expected = blake2b(concatBytes(ALGORITHM, id, secret), { dkLen: 32 });
  const [seed, key] = [secret.slice(0, 32), secret.slice(32)];
  const unchecked = checksum.every((byte) => byte === 0);
  if (!unchecked && !expected.every((byte, i) => byte === checksum[i])) return null;
  return ed25519.getPublicKey(seed).every((byte, i) => byte === key[i]) ? { id, key, seed } : null;
}

/** Signs `message`; the result is the content of a `.minisig` file. */
export function signMessage(key: FleetKey, message: Uint8Array, trustedComment: string): string {
  const signature = ed25519.sign(blake2b(message), key.seed);
  const global = ed25519.sign(concatBytes(signature, utf8ToBytes(trustedComment)), key.seed);
  const blob = encodeBase64(concatBytes(ALGORITHM_PREHASHED, key.id, signature));
  return `${UNTRUSTED}signed by the fleet key\n${blob}\n${TRUSTED}${trustedComment}\n${encodeBase64(global)}\n`;
}

/** Returns the trusted comment when `minisig` is a signature of `message` by `key`, else null. */
export function verifyMessage(key: FleetPublicKey, message: Uint8Array, minisig: string): string | null {
  const [untrusted = "", blobLine = "", comment = "", globalLine = ""] = minisig.split("\n");
  if (!untrusted.startsWith(UNTRUSTED) || !comment.startsWith(TRUSTED)) return null;
  const blob = decodeBase64(blobLine.trim());
  const global = decodeBase64(globalLine.trim());
  if (blob?.length !== 74 || global?.length !== 64 || !startsWith(blob, ALGORITHM_PREHASHED)) return null;
  if (!key.id.every((byte, i) => byte === blob[2 + i])) return null;
  const signature = blob.slice(10);
  const trustedComment = comment.slice(TRUSTED.length).trimEnd();
  const signedComment = concatBytes(signature, utf8ToBytes(trustedComment));
  try {
    const good =
      ed25519.verify(signature, blake2b(message), key.key) && ed25519.verify(global, signedComment, key.key);
    return good ? trustedComment : null;
  } catch {
    return null;
  }
}

/** A key id the way minisign prints it: a hexadecimal number, the last byte first, without leading zeros. */
export function formatId(id: Uint8Array): string {
  return [...id]
    .reverse()
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("")
    .replace(/^0+(?=.)/, "")
    .toUpperCase();
}

function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  return prefix.every((byte, i) => bytes[i] === byte);
}
