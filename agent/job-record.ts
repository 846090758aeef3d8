/** What opens and describes a held document: file key, payload nonce, and the manifest without its OTP. */
import type { Manifest } from "../wire/manifest.ts";

const FILE_KEY_BYTES = 16;
const NONCE_BYTES = 16;

export type HeldManifest = Omit<Manifest, "otp">;

export interface JobRecord {
  readonly fileKey: Uint8Array;
  readonly payloadNonce: Uint8Array;
  readonly manifest: HeldManifest;
}

export function encodeRecord(record: JobRecord): Uint8Array {
  return Buffer.concat([record.fileKey, record.payloadNonce, Buffer.from(JSON.stringify(record.manifest))]);
}

/** The inverse, for bytes that were authenticated: they are what {@link encodeRecord} made. */
export function decodeRecord(bytes: Uint8Array): JobRecord {
  const split = FILE_KEY_BYTES + NONCE_BYTES;
  return {
    fileKey: Uint8Array.from(bytes.subarray(0, FILE_KEY_BYTES)),
    payloadNonce: Uint8Array.from(bytes.subarray(FILE_KEY_BYTES, split)),
    manifest: JSON.parse(new TextDecoder().decode(bytes.subarray(split))) as HeldManifest,
  };
}
