/**
 * The header of an age v1 file: bounded before it is parsed, made and opened by `age-encryption`.
 * The payload is ours (see age-payload.ts), because the header is small and the document is not.
 */
import { Decrypter, Encrypter } from "age-encryption";
import { PlatenError } from "./error.ts";
import { HEADER_BYTES_MAX } from "./limits.ts";

const MAGIC = new TextEncoder().encode("age-encryption.org/v1\n");
const MAC_LINE = new TextEncoder().encode("\n--- ");

export interface SealedHeader {
  readonly header: Uint8Array;
  readonly fileKey: Uint8Array;
}

/** Makes a header for `recipients` (`age1...`, at least one) around a fresh file key. */
export async function createHeader(recipients: readonly string[]): Promise<SealedHeader> {
  const encrypter = new Encrypter();
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  let fileKey: Uint8Array | null = null;
  // age-encryption keeps the file key to itself; a recipient of our own is shown it and adds no stanza.
  encrypter.addRecipient({
    wrapFileKey: (key) => {
      fileKey = Uint8Array.from(key);
      return [];
    },
  });
  const file = await encrypter.encrypt(new Uint8Array(0));
  const length = findHeaderEnd(file);
  if (!length || !fileKey) throw new PlatenError("internal", { what: "age header without a file key" });
  return { header: file.subarray(0, length), fileKey };
}

/** Unwraps the file key with an `AGE-SECRET-KEY-1...` identity. `seal-recipient` when it is for others, `seal-header` when damaged. */
export async function openHeader(header: Uint8Array, identity: string): Promise<Uint8Array> {
  if (header.length > HEADER_BYTES_MAX) throw new PlatenError("seal-header");
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  try {
    return await decrypter.decryptHeader(header);
  } catch (cause) {
    const forOthers = cause instanceof Error && cause.message.includes("no identity matched");
    throw new PlatenError(forOthers ? "seal-recipient" : "seal-header", {}, cause);
  }
}

/** Length of the header at the start of `bytes`, or 0 while its end is not there. */
function findHeaderEnd(bytes: Uint8Array): number {
  for (let at = bytes.indexOf(0x0a); at !== -1; at = bytes.indexOf(0x0a, at + 1)) {
    if (MAC_LINE.every((byte, i) => bytes[at + i] === byte)) return bytes.indexOf(0x0a, at + 1) + 1;
  }
  return 0;
}

/**
 * Collects the header from a stream's beginning. Refuses with `seal-header` as soon as the bytes cannot be an age
 * file or exceed 64 KiB: nothing larger is ever held.
 */
export class HeaderReader {
  #bytes: Uint8Array = new Uint8Array(0);

  /** The header and the bytes after it, or null while it is not whole. */
  push(chunk: Uint8Array): { header: Uint8Array; rest: Uint8Array } | null {
    const bytes = new Uint8Array(this.#bytes.length + chunk.length);
    bytes.set(this.#bytes);
    bytes.set(chunk, this.#bytes.length);
    this.#bytes = bytes;
    if (!MAGIC.subarray(0, bytes.length).every((byte, i) => bytes[i] === byte)) {
      throw new PlatenError("seal-header");
    }
    const length = findHeaderEnd(bytes.subarray(0, HEADER_BYTES_MAX + 1));
    if (length > HEADER_BYTES_MAX || (length === 0 && bytes.length > HEADER_BYTES_MAX)) {
      throw new PlatenError("seal-header");
    }
    if (length === 0) return null;
    return { header: bytes.subarray(0, length), rest: bytes.subarray(length) };
  }
}
