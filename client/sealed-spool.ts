/**
 * A stream that cannot be read twice (a pipe), sealed once and kept as ciphertext in a temporary file for as long as
 * the broker may ask for parts of it again.
 */
import { type FileHandle, mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeCipher } from "../wire/cipher-node.ts";
import { PlatenError } from "../wire/error.ts";
import { type Envelope, sealDocument } from "./seal.ts";
import type { SealedSource } from "./sealed-source.ts";

const READ_BYTES = 512 * 1024;

/** Opens the spool in a folder of its own (mode 0700) under `parent`; the file is 0600. */
export async function openSealedSpool(
  document: AsyncIterable<Uint8Array>,
  envelope: Envelope,
  parent: string = tmpdir(),
): Promise<SealedSpool> {
  try {
    const folder = await mkdtemp(join(parent, "platen-"));
    const handle = await open(join(folder, "sealed"), "wx+", 0o600);
    return new SealedSpool(handle, folder, sealDocument(envelope, nodeCipher, document));
  } catch (cause) {
    throw spoolError(cause);
  }
}

export class SealedSpool implements SealedSource {
  readonly #handle: FileHandle;
  readonly #folder: string;
  readonly #sealed: AsyncGenerator<Uint8Array, void, undefined>;
  #written = 0;
  #ended = false;
  #advancing: Promise<Uint8Array | null> | null = null;

  constructor(handle: FileHandle, folder: string, sealed: AsyncGenerator<Uint8Array, void, undefined>) {
    this.#handle = handle;
    this.#folder = folder;
    this.#sealed = sealed;
  }

  get size(): number | null {
    return this.#ended ? this.#written : null;
  }

  async fill(bytes: number): Promise<void> {
    while (this.#written < bytes && !this.#ended) await this.#advance();
  }

  async *read(offset: number): AsyncGenerator<Uint8Array, void, undefined> {
    let buffer: Buffer | null = null;
    for (let at = offset; ; ) {
      if (at < this.#written) {
        buffer ??= Buffer.allocUnsafeSlow(READ_BYTES);
        const want = Math.min(buffer.length, this.#written - at);
        const { bytesRead } = await this.#handle.read(buffer, 0, want, at).catch((cause) => {
          throw spoolError(cause);
        });
        if (bytesRead === 0) throw spoolError(new Error("it was cut short"));
        at += bytesRead;
        yield buffer.subarray(0, bytesRead);
        continue;
      }
      const from = this.#written;
      const fresh = await this.#advance();
      if (fresh === null) return;
      // Whoever asked beyond what is there only sees what lies behind their offset.
      const skip = Math.min(fresh.length, Math.max(0, at - from));
      at += fresh.length - skip;
      if (skip < fresh.length) yield fresh.subarray(skip);
    }
  }

  async close(): Promise<void> {
    // The input is left where it is: a pipe that never ends must not hold up the end.
    this.#advancing?.catch(() => {});
    this.#sealed.return().catch(() => {});
    await this.#handle.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Seals one more piece: on disk before anyone sees it, so that it can be asked for again. Null at the end. */
  #advance(): Promise<Uint8Array | null> {
    this.#advancing ??= this.#sealNext().finally(() => {
      this.#advancing = null;
    });
    return this.#advancing;
  }

  async #sealNext(): Promise<Uint8Array | null> {
    if (this.#ended) return null;
    const { value, done } = await this.#sealed.next();
    if (done || !value) {
      this.#ended = true;
      return null;
    }
    try {
      for (let at = 0; at < value.length; ) {
        const { bytesWritten } = await this.#handle.write(value, at, value.length - at, this.#written + at);
        at += bytesWritten;
      }
    } catch (cause) {
      throw spoolError(cause);
    }
    this.#written += value.length;
    return value;
  }
}

function spoolError(cause: unknown): PlatenError {
  const why = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
  const meaning = "The job was withdrawn.";
  return why === "ENOSPC"
    ? new PlatenError("disk-full", { where: "temporary files", meaning }, cause)
    : new PlatenError("storage-failed", { where: "A temporary file", why, meaning }, cause);
}
