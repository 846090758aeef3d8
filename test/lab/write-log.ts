/**
 * A run of the card, recorded write by write in the kernel's dm-log-writes format, which QEMU's `blklogwrites` speaks:
 * one sector of head for the log, one for each entry, then the entry's data.
 */
import { type FileHandle, open } from "node:fs/promises";
import type { Partition } from "./card.ts";

const MAGIC = 0x6a736677736872n;
const SECTOR = 512;
const FLAG = { flush: 1n, discard: 4n, mark: 8n };

export interface FlushPoint {
  /** From 0. */
  readonly number: number;
  /** So much of the log lies before it: the log's size when this flush was asked for, or more. */
  readonly logBytes: number;
}

interface Entry {
  /** On the card. */
  readonly startBytes: number;
  readonly flags: bigint;
  /** Where its data lies in the log, and where the next entry begins. */
  readonly dataAt: number;
  readonly endAt: number;
}

/**
 * Writes what was recorded into `image`, the partition as it was before, and stops at each flush that followed a
 * change: what a machine finds whose power was cut there, if its card keeps what it was told to keep and nothing else.
 * Nobody else writes to `image`; between two steps it may be read.
 */
export async function* replayFlushes(
  log: string,
  image: string,
  partition: Partition,
): AsyncGenerator<FlushPoint> {
  const [source, target] = await Promise.all([open(log, "r"), open(image, "r+")]);
  try {
    let number = 0;
    let isChanged = false;
    for await (const entry of readEntries(source)) {
      isChanged = (await apply(source, target, entry, partition)) || isChanged;
      if ((entry.flags & FLAG.flush) === 0n || !isChanged) continue;
      yield { number, logBytes: entry.dataAt };
      number += 1;
      isChanged = false;
    }
  } finally {
    await Promise.all([source.close(), target.close()]);
  }
}

async function* readEntries(log: FileHandle): AsyncGenerator<Entry> {
  const head = await readAt(log, 0, SECTOR);
  if (head.readBigUInt64LE(0) !== MAGIC) throw new Error("this is no log of writes");
  const sectorBytes = head.readUInt32LE(24);
  const { size } = await log.stat();
  // The head's count of entries is written now and then only: the log ends where the file does.
  for (let at = sectorBytes; at + sectorBytes <= size; ) {
    const entry = await readAt(log, at, 32);
    const flags = entry.readBigUInt64LE(16);
    const sizeBytes = Number(entry.readBigUInt64LE(8)) * sectorBytes;
    const dataAt = at + sectorBytes;
    const endAt = dataAt + ((flags & FLAG.discard) === 0n ? sizeBytes : 0);
    if (endAt > size) return;
    yield { startBytes: Number(entry.readBigUInt64LE(0)) * sectorBytes, flags, dataAt, endAt };
    at = endAt;
  }
}

/** Whether it changed the partition. What was discarded may hold anything, so it is left as it was. */
async function apply(
  log: FileHandle,
  image: FileHandle,
  { startBytes, flags, dataAt, endAt }: Entry,
  { offsetBytes, sizeBytes }: Partition,
): Promise<boolean> {
  if ((flags & (FLAG.discard | FLAG.mark)) !== 0n) return false;
  const from = Math.max(startBytes, offsetBytes);
  const until = Math.min(startBytes + (endAt - dataAt), offsetBytes + sizeBytes);
  if (from >= until) return false;
  const data = await readAt(log, dataAt + (from - startBytes), until - from);
  await image.write(data, 0, data.length, from - offsetBytes);
  return true;
}

async function readAt(file: FileHandle, at: number, sizeBytes: number): Promise<Buffer> {
  const { bytesRead, buffer } = await file.read(Buffer.alloc(sizeBytes), 0, sizeBytes, at);
  if (bytesRead < sizeBytes) throw new Error(`the log ends at ${at + bytesRead}`);
  return buffer;
}
