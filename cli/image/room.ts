/**
 * The set-up file inside an image. Every image brings one of a fixed length in one piece (agent/setup-template.ts), so
 * it is found by its first line and written over: no file system is mounted, and none has to be understood.
 */
import { type FileHandle, open } from "node:fs/promises";
import { FIRST_LINE, LAST_LINE, TEMPLATE_BYTES } from "../../agent/setup-template.ts";
import { isPlatenError, PlatenError } from "../../wire/error.ts";

const SECTOR = 512;
const CHUNK = 1024 * 1024;
const [FIRST, LAST] = [Buffer.from(FIRST_LINE), Buffer.from(LAST_LINE)];
/** MBR types of FAT32 and FAT16, by address or by cylinder. */
const FAT_TYPES = [0x0b, 0x0c, 0x06, 0x0e];

/** What stands in the set-up file of an image. @throws PlatenError `image-unusable` */
export async function readRoom(path: string): Promise<Buffer> {
  return await withRoom(path, "r", async (handle, at) => {
    const room = Buffer.alloc(TEMPLATE_BYTES);
    await handle.read(room, 0, room.length, at);
    return room;
  });
}

/** Where the set-up file of an image begins; null in what is compressed, or no image of ours. */
export async function locateRoom(path: string): Promise<number | null> {
  try {
    return await withRoom(path, "r", async (_, at) => at);
  } catch (error) {
    if (isPlatenError(error, "image-unusable")) return null;
    throw error;
  }
}

/** Replaces the set-up file in an image, durably. @param room as `fillRoom` makes it */
export async function writeRoom(path: string, room: Uint8Array): Promise<void> {
  if (room.length !== TEMPLATE_BYTES) throw new TypeError(`a room of ${room.length} bytes`);
  await withRoom(path, "r+", async (handle, at) => {
    await handle.write(room, 0, room.length, at);
    await handle.sync();
  });
}

async function withRoom<T>(
  path: string,
  flags: string,
  work: (handle: FileHandle, at: number) => Promise<T>,
): Promise<T> {
  let handle: FileHandle;
  try {
    handle = await open(path, flags);
  } catch (cause) {
    const why = `it cannot be opened (${(cause as NodeJS.ErrnoException).code})`;
    throw new PlatenError("image-unusable", { image: path, why }, cause);
  }
  try {
    return await work(handle, await findRoom(handle, path));
  } finally {
    await handle.close();
  }
}

async function findRoom(handle: FileHandle, image: string): Promise<number> {
  const { start, end } = await readFirstPartition(handle, image);
  const chunk = Buffer.alloc(CHUNK);
  for (let at = start; at < end; at += CHUNK) {
    const { bytesRead } = await handle.read(chunk, 0, Math.min(CHUNK, end - at), at);
    for (let within = 0; within < bytesRead; within += SECTOR) {
      if (!chunk.subarray(within, within + FIRST.length).equals(FIRST)) continue;
      if (await isWhole(handle, at + within)) return at + within;
    }
    if (bytesRead === 0) break;
  }
  const why =
    "its platen.toml is not where a fresh image has it. Put the file on the card with an editor instead";
  throw new PlatenError("image-unusable", { image, why });
}

async function readFirstPartition(handle: FileHandle, image: string) {
  const sector = Buffer.alloc(SECTOR);
  const { bytesRead } = await handle.read(sector, 0, SECTOR, 0);
  const entry = sector.subarray(446, 462);
  const isTable = bytesRead === SECTOR && sector.readUInt16LE(510) === 0xaa55;
  if (!isTable || !FAT_TYPES.includes(entry[4] ?? 0)) {
    const why = "it is no image of a Platen card; one that is compressed needs -o";
    throw new PlatenError("image-unusable", { image, why });
  }
  const start = entry.readUInt32LE(8) * SECTOR;
  return { start, end: start + entry.readUInt32LE(12) * SECTOR };
}

/** In one piece: its last line stands where it must. */
async function isWhole(handle: FileHandle, at: number): Promise<boolean> {
  const end = Buffer.alloc(LAST.length);
  await handle.read(end, 0, end.length, at + TEMPLATE_BYTES - LAST.length);
  return end.equals(LAST);
}
