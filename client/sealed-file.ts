/**
 * A file on disk, sealed as it is read and sealed again from the middle when parts are missing. The same key and
 * nonces serve both times, so a file that changed in between is noticed before a differing chunk leaves: by its size
 * and time, and by the tag of every chunk.
 */
import { type FileHandle, open } from "node:fs/promises";
import { SEALED_CHUNK_BYTES } from "../wire/age-payload.ts";
import { nodeCipher } from "../wire/cipher-node.ts";
import { PlatenError } from "../wire/error.ts";
import { documentOffset, type Envelope, sealChunks, sealedBytes } from "./seal.ts";
import type { SealedSource } from "./sealed-source.ts";

const READ_BYTES = 512 * 1024;
const TAG_BYTES = 16;

/** A regular file, open and measured: its size goes into nothing that leaves before the seal does. */
export interface OpenDocument {
  readonly path: string;
  readonly handle: FileHandle;
  readonly bytes: number;
  readonly changedAt: bigint;
}

/** @throws PlatenError `no-input`: missing, unreadable, no regular file */
export async function openDocument(path: string): Promise<OpenDocument> {
  let handle: FileHandle | null = null;
  try {
    handle = await open(path, "r");
    const stat = await handle.stat({ bigint: true });
    if (!stat.isFile()) throw new PlatenError("no-input", { file: path, why: "it is no regular file" });
    return { path, handle, bytes: Number(stat.size), changedAt: stat.mtimeNs };
  } catch (cause) {
    await handle?.close();
    if (cause instanceof PlatenError) throw cause;
    throw new PlatenError("no-input", { file: path, why: reasonOf(cause) }, cause);
  }
}

export class SealedFile implements SealedSource {
  readonly size: number;
  readonly #document: OpenDocument;
  readonly #envelope: Envelope;
  /** Of every chunk that was sealed before; all zero where none was. 256 KiB for a gigabyte. */
  readonly #tags: Uint8Array;

  /** Takes `document` over: {@link close} closes it. */
  constructor(document: OpenDocument, envelope: Envelope) {
    this.#document = document;
    this.#envelope = envelope;
    this.size = sealedBytes(envelope, document.bytes);
    const chunks = Math.ceil((this.size - envelope.head.length) / SEALED_CHUNK_BYTES);
    this.#tags = new Uint8Array(chunks * TAG_BYTES);
  }

  async fill(): Promise<void> {}

  async *read(offset: number): AsyncGenerator<Uint8Array, void, undefined> {
    if (offset >= this.size) return;
    const { head } = this.#envelope;
    if (offset < head.length) yield head.subarray(offset);
    const payloadOffset = Math.max(0, offset - head.length);
    let chunk = Math.floor(payloadOffset / SEALED_CHUNK_BYTES);
    let skip = payloadOffset - chunk * SEALED_CHUNK_BYTES;
    const document = this.#readDocument(documentOffset(this.#envelope, chunk));
    for await (const sealed of sealChunks(this.#envelope, nodeCipher, document, chunk)) {
      this.#compareTag(chunk++, sealed);
      yield skip > 0 ? sealed.subarray(skip) : sealed;
      skip = 0;
    }
  }

  async close(): Promise<void> {
    await this.#document.handle.close();
  }

  /** Reads ahead by one block, so that the disk works while the block before is sealed. */
  async *#readDocument(from: number): AsyncGenerator<Uint8Array, void, undefined> {
    const { bytes } = this.#document;
    const blockBytes = Math.min(READ_BYTES, Math.max(1, bytes - from));
    const blocks = [Buffer.allocUnsafeSlow(blockBytes), Buffer.allocUnsafeSlow(blockBytes)] as const;
    await this.#checkUnchanged();
    let ahead = this.#readBlock(blocks[0], from);
    for (let at = from, turn = 1; at < bytes; turn = 1 - turn) {
      const block = await ahead;
      at += block.length;
      if (at < bytes) {
        ahead = this.#readBlock(blocks[turn as 0 | 1], at);
        // Whoever stops early does not wait for it.
        ahead.catch(() => {});
      } else {
        // Before its last bytes are sealed the file must still be the one that was opened.
        await this.#checkUnchanged();
      }
      yield block;
    }
  }

  async #readBlock(into: Buffer, at: number): Promise<Uint8Array> {
    const { handle, bytes, path } = this.#document;
    if (at >= bytes) return into.subarray(0, 0);
    const want = Math.min(into.length, bytes - at);
    const { bytesRead } = await handle.read(into, 0, want, at).catch((cause) => {
      throw new PlatenError("no-input", { file: path, why: reasonOf(cause) }, cause);
    });
    if (bytesRead === 0) throw new PlatenError("document-changed", { file: path });
    return into.subarray(0, bytesRead);
  }

  async #checkUnchanged(): Promise<void> {
    const { handle, bytes, changedAt, path } = this.#document;
    const stat = await handle.stat({ bigint: true });
    if (Number(stat.size) !== bytes || stat.mtimeNs !== changedAt) {
      throw new PlatenError("document-changed", { file: path });
    }
  }

  #compareTag(chunk: number, sealed: Uint8Array): void {
    const known = this.#tags.subarray(chunk * TAG_BYTES, (chunk + 1) * TAG_BYTES);
    const tag = sealed.subarray(sealed.length - TAG_BYTES);
    if (known.every((byte) => byte === 0)) known.set(tag);
    else if (!known.every((byte, i) => byte === tag[i])) {
      throw new PlatenError("document-changed", { file: this.#document.path });
    }
  }
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
}
