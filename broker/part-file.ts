/**
 * The parts of one sealed job in one file, appended in order of arrival. Each record is a head of 16 bytes (magic,
 * part number, length, CRC-32 over both and the bytes) and the part; the index is rebuilt from the heads.
 * What is not synced may be lost by a power cut: a record that is not whole, and all after it, then never came.
 */
import {
  closeSync,
  constants,
  fdatasync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  writeSync,
  writevSync,
} from "node:fs";
import { promisify } from "node:util";
import { crc32 } from "node:zlib";
import { PAYLOAD_BYTES_MAX } from "../wire/limits.ts";

const HEAD_BYTES = 16;
const MAGIC = 0x50_54_31_0a;
/** Written back in the background whenever this much waits, so that the sync before `stored` has little left to do. */
const WRITE_BACK_BYTES = 8 * 1024 * 1024;

const fdatasyncAsync = promisify(fdatasync);

interface Place {
  readonly offset: number;
  readonly length: number;
}

/** Owns one open file; `close` it. Reads and writes are synchronous: they reach the page cache, not the disk. */
export class PartFile {
  readonly #fd: number;
  readonly #index = new Map<number, Place>();
  #end = 0;
  #bytes = 0;
  #firstMissing = 0;
  #dirty = 0;
  #writeBack: Promise<void> | null = null;
  #fault: unknown = null;
  #closed = false;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** A new, empty file (mode 0600). Throws what `fs` throws. */
  static create(path: string): PartFile {
    return new PartFile(openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC, 0o600));
  }

  /**
   * An existing file. With `verify` every part is read and checked, and the file cut before the first that is not
   * whole: for files that were not synced when the program ended. Throws what `fs` throws.
   */
  static open(path: string, verify: boolean): PartFile {
    const file = new PartFile(openSync(path, constants.O_RDWR));
    try {
      file.#scan(verify);
      // Whoever wrote it may have ended before syncing.
      file.#dirty = 1;
      return file;
    } catch (error) {
      closeSync(file.#fd);
      throw error;
    }
  }

  /** How many parts there are, and their bytes together. */
  get count(): number {
    return this.#index.size;
  }
  get bytes(): number {
    return this.#bytes;
  }
  /** The lowest part number that is not there. */
  get firstMissing(): number {
    return this.#firstMissing;
  }

  has(n: number): boolean {
    return this.#index.has(n);
  }

  /** Length of part n, or null. */
  lengthOf(n: number): number | null {
    return this.#index.get(n)?.length ?? null;
  }

  /** Numbers and lengths, in order of arrival. */
  *lengths(): Iterable<readonly [n: number, length: number]> {
    for (const [n, { length }] of this.#index) yield [n, length];
  }

  /**
   * Appends a part, or compares it with the one of that number. Throws what `fs` throws (`ENOSPC`); the file is then
   * as before.
   */
  append(n: number, part: Uint8Array): "new" | "same" | "different" {
    const there = this.#index.get(n);
    if (there) return this.#equals(there, part) ? "same" : "different";
    this.#write(encodeHead(n, part), part);
    this.#index.set(n, { offset: this.#end + HEAD_BYTES, length: part.length });
    this.#end += HEAD_BYTES + part.length;
    this.#bytes += part.length;
    while (this.#index.has(this.#firstMissing)) this.#firstMissing++;
    this.#dirty += part.length;
    if (this.#dirty >= WRITE_BACK_BYTES && !this.#writeBack) this.#startWriteBack();
    return "new";
  }

  /** Part n in fresh memory, or null. */
  read(n: number): Buffer | null {
    const place = this.#index.get(n);
    return place ? this.#readAt(place) : null;
  }

  /** Resolves once everything appended so far is on the disk; rejects if any of it may not be. */
  async sync(): Promise<void> {
    await this.#writeBack;
    if (this.#closed) throw new Error("the part file was closed while it was synced");
    if (this.#dirty > 0) this.#startWriteBack();
    await this.#writeBack;
    if (this.#fault) throw this.#fault;
  }

  /** Waits for a sync under way; nothing may be called after. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#writeBack;
    closeSync(this.#fd);
  }

  #startWriteBack(): void {
    this.#dirty = 0;
    this.#writeBack = fdatasyncAsync(this.#fd)
      .catch((error: unknown) => {
        // The kernel reports a failed write-back once: whoever asks later must hear of it too.
        this.#fault ??= error;
      })
      .finally(() => {
        this.#writeBack = null;
      });
  }

  #write(head: Buffer, part: Uint8Array): void {
    const total = HEAD_BYTES + part.length;
    try {
      let done = writevSync(this.#fd, [head, part], this.#end);
      while (done < HEAD_BYTES) {
        done += writeSync(this.#fd, head, done, HEAD_BYTES - done, this.#end + done);
      }
      while (done < total) {
        const at = done - HEAD_BYTES;
        done += writeSync(this.#fd, part, at, part.length - at, this.#end + done);
      }
    } catch (error) {
      ftruncateSync(this.#fd, this.#end);
      throw error;
    }
  }

  #readAt({ offset, length }: Place): Buffer {
    const bytes = Buffer.allocUnsafeSlow(length);
    for (let at = 0; at < length; ) {
      const got = readSync(this.#fd, bytes, at, length - at, offset + at);
      if (got === 0) throw new Error("a part file is shorter than its index");
      at += got;
    }
    return bytes;
  }

  #equals(place: Place, part: Uint8Array): boolean {
    return place.length === part.length && this.#readAt(place).equals(part);
  }

  #scan(verify: boolean): void {
    const size = fstatSync(this.#fd).size;
    const head = Buffer.alloc(HEAD_BYTES);
    while (this.#end + HEAD_BYTES <= size) {
      readSync(this.#fd, head, 0, HEAD_BYTES, this.#end);
      const n = head.readUInt32BE(4);
      const place = { offset: this.#end + HEAD_BYTES, length: head.readUInt32BE(8) };
      if (head.readUInt32BE(0) !== MAGIC || place.length > PAYLOAD_BYTES_MAX) break;
      if (place.offset + place.length > size) break;
      if (verify && !encodeHead(n, this.#readAt(place)).equals(head)) break;
      this.#index.set(n, place);
      this.#bytes += place.length;
      this.#end = place.offset + place.length;
    }
    while (this.#index.has(this.#firstMissing)) this.#firstMissing++;
    if (this.#end < size) ftruncateSync(this.#fd, this.#end);
  }
}

function encodeHead(n: number, part: Uint8Array): Buffer {
  const head = Buffer.allocUnsafe(HEAD_BYTES);
  head.writeUInt32BE(MAGIC, 0);
  head.writeUInt32BE(n, 4);
  head.writeUInt32BE(part.length, 8);
  head.writeUInt32BE(crc32(part, crc32(head.subarray(0, 12))), 12);
  return head;
}
