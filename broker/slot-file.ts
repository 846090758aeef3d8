/**
 * Small secrets in slots of equal size, in one file outside SQLite: a dropped one is overwritten where it lay, which
 * no database promises. Each slot carries its checksum, so that a write cut by power is told from a whole one.
 */
import { createHash, randomFillSync } from "node:crypto";
import {
  closeSync,
  constants,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  openSync,
  readSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { syncFolder } from "../wire/durable-file.ts";

/** One sector: the unit most disks write whole. */
export const SLOT_BYTES = 512;
const MAGIC = Buffer.from("slt1");
const HEAD_BYTES = MAGIC.length + 2;
const CHECK_BYTES = 16;
/** The longest record that fits a slot. */
export const RECORD_BYTES_MAX = SLOT_BYTES - HEAD_BYTES - CHECK_BYTES;

const fdatasyncAsync = promisify(fdatasync);

/**
 * Owns one file. `write` and `clear` reach the disk with the next `sync` or `syncNow`; until then they may be lost,
 * whole or in part, and a slot lost in part reads as empty.
 */
export class SlotFile {
  readonly #fd: number;
  #slots: number;
  readonly #free: number[] = [];
  #dirty = true;
  /** A sync failed: what was written before it may be anywhere. */
  #doubtful = false;
  #syncing: Promise<void> | null = null;
  #nextSync: Promise<void> | null = null;

  /** Opens or creates (mode 0600) the file. The caller closes it. */
  constructor(path: string) {
    this.#fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    syncFolder(dirname(path));
    this.#slots = Math.floor(fstatSync(this.#fd).size / SLOT_BYTES);
    for (let slot = this.#slots - 1; slot >= 0; slot--) {
      if (!this.read(slot)) this.#free.push(slot);
    }
  }

  /** Every record that lies whole in the file, with its slot. */
  *entries(): Iterable<{ readonly slot: number; readonly record: Buffer }> {
    for (let slot = 0; slot < this.#slots; slot++) {
      const record = this.read(slot);
      if (record) yield { slot, record };
    }
  }

  /** The record in a slot, or null when it is empty, cleared or damaged. */
  read(slot: number): Buffer | null {
    const bytes = Buffer.alloc(SLOT_BYTES);
    if (readSync(this.#fd, bytes, 0, SLOT_BYTES, slot * SLOT_BYTES) < SLOT_BYTES) return null;
    const length = bytes.readUInt16BE(MAGIC.length);
    if (!bytes.subarray(0, MAGIC.length).equals(MAGIC) || length > RECORD_BYTES_MAX) return null;
    const end = HEAD_BYTES + length;
    const whole = checksum(bytes.subarray(0, end)).equals(bytes.subarray(end, end + CHECK_BYTES));
    return whole ? bytes.subarray(HEAD_BYTES, end) : null;
  }

  /**
   * Puts a record in a free slot and returns the slot's number. Throws what `fs` throws, `ENOSPC` included; the file
   * is then as before.
   */
  write(record: Uint8Array): number {
    if (record.length > RECORD_BYTES_MAX)
      throw new RangeError(`a record has at most ${RECORD_BYTES_MAX} bytes`);
    const bytes = randomFillSync(Buffer.alloc(SLOT_BYTES));
    const end = HEAD_BYTES + record.length;
    MAGIC.copy(bytes);
    bytes.writeUInt16BE(record.length, MAGIC.length);
    bytes.set(record, HEAD_BYTES);
    checksum(bytes.subarray(0, end)).copy(bytes, end);
    const slot = this.#free.pop() ?? this.#slots;
    try {
      this.#put(slot, bytes);
    } catch (error) {
      if (slot < this.#slots) this.#free.push(slot);
      throw error;
    }
    this.#slots = Math.max(this.#slots, slot + 1);
    bytes.fill(0);
    return slot;
  }

  /** Overwrites a slot with random bytes that read as empty. */
  clear(slot: number): void {
    const noise = randomFillSync(Buffer.alloc(SLOT_BYTES));
    noise.fill(0, 0, MAGIC.length);
    this.#put(slot, noise);
    this.#free.push(slot);
  }

  /** Durable on return; holds up everything else meanwhile. */
  syncNow(): void {
    this.#writeAgain();
    try {
      fdatasyncSync(this.#fd);
    } catch (error) {
      this.#doubt();
      throw error;
    }
  }

  /**
   * Durable when it resolves; at once where nothing changed since. Callers at the same time share one call to the disk.
   * After a failure everything is written again: the kernel tells of it once, and then counts as written what it
   * could not write.
   */
  sync(): Promise<void> {
    if (!this.#syncing) {
      if (!this.#dirty) return Promise.resolve();
      this.#writeAgain();
      this.#dirty = false;
      this.#syncing = fdatasyncAsync(this.#fd)
        .catch((error: unknown) => {
          this.#doubt();
          throw error;
        })
        .finally(() => {
          this.#syncing = null;
        });
      return this.#syncing;
    }
    // The running one may have begun before this caller's write.
    this.#nextSync ??= this.#syncing
      .catch(() => {})
      .then(() => {
        this.#nextSync = null;
        return this.sync();
      });
    return this.#nextSync;
  }

  close(): void {
    closeSync(this.#fd);
  }

  #doubt(): void {
    this.#doubtful = true;
    this.#dirty = true;
  }

  #writeAgain(): void {
    if (!this.#doubtful) return;
    const bytes = Buffer.alloc(SLOT_BYTES);
    for (let slot = 0; slot < this.#slots; slot++) {
      if (readSync(this.#fd, bytes, 0, SLOT_BYTES, slot * SLOT_BYTES) === SLOT_BYTES) this.#put(slot, bytes);
    }
    bytes.fill(0);
    this.#doubtful = false;
  }

  #put(slot: number, bytes: Uint8Array): void {
    this.#dirty = true;
    for (let at = 0; at < bytes.length; ) {
      at += writeSync(this.#fd, bytes, at, bytes.length - at, slot * SLOT_BYTES + at);
    }
  }
}

function checksum(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest().subarray(0, CHECK_BYTES);
}
