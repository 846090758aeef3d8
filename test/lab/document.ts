import { createHash } from "node:crypto";

/** The same bytes on both sides of the wire: every value, no pattern. */
export function documentOf(sizeBytes: number): Buffer {
  const blocks: Buffer[] = [];
  for (let count = 0; count * 32 < sizeBytes; count += 1) {
    blocks.push(createHash("sha256").update(`lab ${count}`).digest());
  }
  return Buffer.concat(blocks).subarray(0, sizeBytes);
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
