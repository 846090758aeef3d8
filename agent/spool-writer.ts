/** Writes one spool file in large pieces, and makes it durable. */
import { type FileHandle, open, unlink } from "node:fs/promises";
import { faultOfStorage } from "./storage-fault.ts";

const PIECE_BYTES = 1024 * 1024;
/** Synced so often while it grows: the last sync is short, and the kernel never hoards a whole document. */
const SYNC_BYTES = 16 * 1024 * 1024;
const MEANING = "The document stays at the broker and comes once there is room.";

/** Not to be used by two at once. After a rejection only `discard` may be called. */
export class SpoolWriter {
  readonly #path: string;
  readonly #dir: string;
  readonly #handle: FileHandle;
  readonly #checkRoom: (bytes: number) => Promise<void>;
  #filling: Buffer = Buffer.allocUnsafeSlow(PIECE_BYTES);
  #spare: Buffer = Buffer.allocUnsafeSlow(PIECE_BYTES);
  #filled = 0;
  #writing: Promise<void> = Promise.resolve();
  #written = 0;
  #isClosed = false;

  /** The handle is the writer's from now on. */
  constructor(handle: FileHandle, path: string, dir: string, checkRoom: (bytes: number) => Promise<void>) {
    this.#handle = handle;
    this.#path = path;
    this.#dir = dir;
    this.#checkRoom = checkRoom;
  }

  static async create(
    path: string,
    dir: string,
    checkRoom: (bytes: number) => Promise<void>,
  ): Promise<SpoolWriter> {
    try {
      return new SpoolWriter(await open(path, "wx", 0o600), path, dir, checkRoom);
    } catch (cause) {
      throw faultOfStorage(cause, dir, MEANING);
    }
  }

  /** Takes a copy of `bytes`; resolves when there is room for more. */
  async write(bytes: Uint8Array): Promise<void> {
    let at = 0;
    while (at < bytes.length) {
      const take = Math.min(PIECE_BYTES - this.#filled, bytes.length - at);
      this.#filling.set(bytes.subarray(at, at + take), this.#filled);
      this.#filled += take;
      at += take;
      if (this.#filled === PIECE_BYTES) await this.#flush();
    }
  }

  /** Resolves once the file and its entry in the folder are durable: its size. */
  async end(): Promise<number> {
    try {
      await this.#flush();
      await this.#writing;
      await this.#handle.sync();
      await this.#close();
      await syncFolder(this.#dir);
      return this.#written;
    } catch (cause) {
      throw faultOfStorage(cause, this.#dir, MEANING);
    }
  }

  /** Closes and unlinks. Idempotent, never throws. */
  async discard(): Promise<void> {
    await this.#writing.catch(() => undefined);
    await this.#close().catch(() => undefined);
    await unlink(this.#path).catch(() => undefined);
  }

  async #flush(): Promise<void> {
    await this.#writing;
    const piece = this.#filling.subarray(0, this.#filled);
    [this.#filling, this.#spare] = [this.#spare, this.#filling];
    this.#filled = 0;
    this.#writing = this.#store(piece);
    // Looked at with the next piece; until then it must not count as unhandled.
    this.#writing.catch(() => undefined);
  }

  async #store(piece: Uint8Array): Promise<void> {
    try {
      await this.#checkRoom(piece.length);
      for (let at = 0; at < piece.length; ) {
        const { bytesWritten } = await this.#handle.write(piece, at);
        at += bytesWritten;
      }
      const before = this.#written;
      this.#written += piece.length;
      if (Math.floor(this.#written / SYNC_BYTES) > Math.floor(before / SYNC_BYTES))
        await this.#handle.datasync();
    } catch (cause) {
      throw faultOfStorage(cause, this.#dir, MEANING);
    }
  }

  async #close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#handle.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
