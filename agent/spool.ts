/**
 * The spool: one file per held document, payload chunks as they were sealed; never a header or a nonce. A file is
 * named by its attempt, so that the folder tells nobody's name.
 */
import { mkdir, open, readdir, stat, statfs, unlink } from "node:fs/promises";
import { join } from "node:path";
import { PlatenError } from "../wire/error.ts";
import { SpoolWriter } from "./spool-writer.ts";
import { faultOfStorage } from "./storage-fault.ts";

const SUFFIX = ".sealed";
const FIRST_READ_BYTES = 65_552;
/** Sixteen sealed chunks: whole chunks need no copy when they are opened. */
const READ_BYTES = 16 * 65_552;

export class Spool {
  readonly dir: string;
  readonly #reserveBytes: number;

  /** @param reserveBytes disk space that documents leave to the rows */
  constructor(dir: string, reserveBytes: number) {
    this.dir = dir;
    this.#reserveBytes = reserveBytes;
  }

  /** Makes the folder. Owner's only. */
  async open(): Promise<void> {
    try {
      await mkdir(this.dir, { recursive: true, mode: 0o700 });
    } catch (cause) {
      throw faultOfStorage(cause, this.dir, "The agent did not start; held jobs are untouched.");
    }
  }

  /**
   * A new file for an attempt. @param bytes what will come, 0 where unknown
   * @throws PlatenError `disk-full` also when the reserve would be touched
   */
  async create(attempt: string, bytes: number): Promise<SpoolWriter> {
    const checkRoom = (more: number): Promise<void> => this.#checkRoom(more);
    await checkRoom(bytes);
    return await SpoolWriter.create(this.#path(attempt), this.dir, checkRoom);
  }

  /** Size of an attempt's file, or null when there is none. */
  async size(attempt: string): Promise<number | null> {
    return await stat(this.#path(attempt)).then(
      (found) => found.size,
      (cause: NodeJS.ErrnoException) => {
        if (cause.code === "ENOENT") return null;
        throw faultOfStorage(cause, this.dir, "The job waits on.");
      },
    );
  }

  /** The file's bytes in order; each piece is good until the next is asked for. Reads one piece ahead. */
  async *read(attempt: string): AsyncGenerator<Uint8Array> {
    const handle = await open(this.#path(attempt), "r");
    let pending: Promise<{ bytesRead: number; buffer: Uint8Array }> | null = null;
    try {
      // The first piece is small: it is what a person waits for.
      const buffers = [Buffer.allocUnsafeSlow(READ_BYTES), Buffer.allocUnsafeSlow(READ_BYTES)] as const;
      pending = handle.read(buffers[0], 0, FIRST_READ_BYTES, null);
      for (let turn = 1; ; turn++) {
        const { bytesRead, buffer } = await pending;
        pending = null;
        if (bytesRead === 0) return;
        pending = handle.read(turn % 2 === 1 ? buffers[1] : buffers[0], 0, READ_BYTES, null);
        yield buffer.subarray(0, bytesRead);
      }
    } finally {
      await pending?.catch(() => undefined);
      await handle.close();
    }
  }

  /** Unlinks an attempt's file. Idempotent; a failure is left to the next start. */
  async remove(attempt: string): Promise<void> {
    await unlink(this.#path(attempt)).catch(() => undefined);
  }

  /** Removes every file that is no attempt of `keep`; resolves with how many. */
  async sweep(keep: ReadonlySet<string>): Promise<number> {
    const names = await readdir(this.dir);
    const orphans = names.filter(
      (name) => !keep.has(name.slice(0, -SUFFIX.length)) || !name.endsWith(SUFFIX),
    );
    await Promise.all(orphans.map((name) => unlink(join(this.dir, name)).catch(() => undefined)));
    return orphans.length;
  }

  #path(attempt: string): string {
    if (!/^[0-9a-f]{16}$/.test(attempt)) throw new TypeError("not an attempt");
    return join(this.dir, attempt + SUFFIX);
  }

  async #checkRoom(bytes: number): Promise<void> {
    const { bavail, bsize } = await statfs(this.dir);
    if (bavail * bsize - bytes >= this.#reserveBytes) return;
    throw new PlatenError("disk-full", {
      where: this.dir,
      meaning: "The document stays at the broker and comes once there is room.",
    });
  }
}
