/** An image written to a disk and read back from it. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { isPlatenError, PlatenError } from "../../wire/error.ts";
import type { Disk } from "./disk.ts";
import { type ImageFile, readImage } from "./image-file.ts";

const BLOCK_BYTES = 4 * 1024 * 1024;

export interface Flashed {
  readonly bytes: number;
  /** Of what was written, and of what was read back. */
  readonly sha256: string;
}

export interface FlashProgress {
  /** Bytes of the image's file that were taken so far. */
  onWrite(done: number): void;
  onVerify(done: number, total: number): void;
}

/**
 * Writes all of `image` to `disk`, syncs, and compares what the disk itself gives back.
 * @throws PlatenError `flash-failed`; the disk holds half an image then
 */
export async function flashImage(image: ImageFile, disk: Disk, progress: FlashProgress): Promise<Flashed> {
  const handle = await openDisk(disk);
  let written: Flashed;
  try {
    written = await writeAll(handle, image, disk, progress);
    await handle.sync();
  } catch (cause) {
    // What is wrong with the image came to light too late for the card.
    if (isPlatenError(cause, "image-unusable")) throw fail(disk, String(cause.details.why), cause);
    if (isPlatenError(cause)) throw cause;
    throw fail(disk, `it did not take all of it (${(cause as NodeJS.ErrnoException).code})`, cause);
  } finally {
    await handle.close();
  }
  const found = await digestOf(disk, written.bytes, progress);
  if (found !== written.sha256)
    throw fail(disk, "what it gives back is not what was written: take another card");
  return written;
}

const WHY_NOT: Readonly<Record<string, string>> = {
  EACCES: "you may not write to it: try again with sudo",
  EBUSY: "something on it is in use; take off what is mounted from it",
};

async function openDisk(disk: Disk): Promise<FileHandle> {
  try {
    // O_EXCL on a disk: the kernel refuses one that is in use (open(2)).
    return await open(disk.path, constants.O_RDWR | constants.O_EXCL);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why = WHY_NOT[code ?? ""] ?? `it cannot be opened (${code})`;
    throw new PlatenError("disk-refused", { device: disk.path, why }, cause);
  }
}

async function writeAll(
  handle: FileHandle,
  image: ImageFile,
  disk: Disk,
  { onWrite }: FlashProgress,
): Promise<Flashed> {
  const hash = createHash("sha256");
  let bytes = 0;
  let wholeBytes = 0;
  for await (const block of inBlocks(readImage(image, onWrite))) {
    if (bytes === 0) wholeBytes = endOfPartitions(block);
    if (bytes + block.length > disk.sizeBytes)
      throw fail(disk, "the image is larger than it: take a larger card");
    hash.update(block);
    for (let at = 0; at < block.length; ) {
      at += (await handle.write(block, at, block.length - at, bytes + at)).bytesWritten;
    }
    bytes += block.length;
  }
  if (bytes < wholeBytes)
    throw fail(disk, "the image ends before its last partition does: download it again");
  return { bytes, sha256: hash.digest("hex") };
}

const SECTOR = 512;
/** MBR type of what only keeps the room for another kind of table. */
const PROTECTIVE = 0xee;

/** So long is an image with this partition table at least; 0 where there is none. */
function endOfPartitions(block: Buffer): number {
  if (block.length < SECTOR || block.readUInt16LE(SECTOR - 2) !== 0xaa55) return 0;
  const ends = [446, 462, 478, 494].map((at) => {
    const type = block[at + 4];
    return type === 0 || type === PROTECTIVE ? 0 : block.readUInt32LE(at + 8) + block.readUInt32LE(at + 12);
  });
  return Math.max(...ends) * SECTOR;
}

/** Cards like large writes. */
async function* inBlocks(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let waiting: Buffer[] = [];
  let size = 0;
  for await (const chunk of source) {
    waiting.push(chunk);
    size += chunk.length;
    if (size < BLOCK_BYTES) continue;
    yield Buffer.concat(waiting, size);
    waiting = [];
    size = 0;
  }
  if (size > 0) yield Buffer.concat(waiting, size);
}

/** From the disk and not from this machine's memory of it, which only dd's direct reading gets around. */
async function digestOf(disk: Disk, bytes: number, { onVerify }: FlashProgress): Promise<string> {
  const args = [
    `if=${disk.path}`,
    `bs=${BLOCK_BYTES}`,
    `count=${bytes}`,
    "iflag=direct,count_bytes",
    "status=none",
  ];
  const dd = spawn("dd", args, { stdio: ["ignore", "pipe", "ignore"] });
  const failed = Promise.withResolvers<never>();
  dd.on("error", (cause) =>
    failed.reject(fail(disk, "the program dd is missing, so it was not verified", cause)),
  );
  failed.promise.catch(() => undefined);
  const hash = createHash("sha256");
  let done = 0;
  const reading = (async () => {
    for await (const chunk of dd.stdout) {
      hash.update(chunk);
      done += chunk.length;
      onVerify(done, bytes);
    }
    if (done !== bytes) throw fail(disk, `it gave back ${done} of ${bytes} bytes: take another card`);
    return hash.digest("hex");
  })();
  return await Promise.race([reading, failed.promise]);
}

function fail({ path }: Disk, why: string, cause?: unknown): PlatenError {
  return new PlatenError("flash-failed", { device: path, why }, cause);
}
