/**
 * `file:` prints into a file: the debug printer, and the demo's.
 *
 * `file:/folder` (an existing directory) makes one new file per job; `file:/path/out.prn` makes that file, or
 * appends where it exists. Symbolic links are refused, also those that appear between the look and the opening.
 */
import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, lstat, open, unlink } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { DeviceError, type DeviceStatus } from "./device.ts";
import { faultOfMoving, faultOfOpening, faultOfVanishing } from "./device-fault.ts";
import type { Transport } from "./device-transport.ts";
import { type DeviceUri, refuseOtherOptions, unusableUri } from "./device-uri.ts";

const { O_WRONLY, O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW = 0, O_NONBLOCK = 0, O_NOCTTY = 0 } = constants;

/** Pieces between two looks at whether the file was deleted: a megabyte. */
const LOOK_PIECES = 16;

export interface FileAddress {
  readonly uri: string;
  readonly path: string;
}

export function parseFileAddress(uri: DeviceUri): FileAddress {
  refuseOtherOptions(uri, []);
  if (uri.path === "" || uri.path.startsWith("//"))
    throw unusableUri(uri.uri, "needs a path, as in file:/tmp/out");
  return { uri: uri.uri, path: resolve(uri.path) };
}

export async function openFile({ uri, path }: FileAddress): Promise<Transport> {
  try {
    const found = await kindOf(path);
    switch (found) {
      case "directory": {
        const file = join(path, nameOfJobFile());
        return new FileTransport(uri, await create(file), file);
      }
      case "absent":
        return new FileTransport(uri, await create(path), path);
      case "file":
        return new FileTransport(uri, await append(uri, path), null);
      case "other":
        throw notAFile(uri);
    }
  } catch (cause) {
    throw faultOfOpening(uri, cause);
  }
}

async function kindOf(path: string): Promise<"absent" | "directory" | "file" | "other"> {
  const found = await lstat(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return null;
    throw cause;
  });
  if (found === null) return "absent";
  if (found.isSymbolicLink()) throw Object.assign(new Error("symbolic link"), { code: "ELOOP" });
  if (found.isDirectory()) return "directory";
  return found.isFile() ? "file" : "other";
}

/** Sorts by time; the random part keeps two jobs of one millisecond apart. Nothing of the document is in it. */
function nameOfJobFile(): string {
  const time = new Date().toISOString().replaceAll(/[-:.]/g, "").slice(0, 18);
  return `${time}-${randomBytes(4).toString("hex")}.prn`;
}

function create(path: string): Promise<FileHandle> {
  return open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
}

async function append(uri: string, path: string): Promise<FileHandle> {
  // O_NONBLOCK: should a FIFO have taken the file's place, the opening fails instead of waiting for a reader.
  const handle = await open(path, O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  throw notAFile(uri);
}

function notAFile(uri: string): DeviceError {
  const message = `${uri}: this is neither a file nor a folder. Use lp: or serial: for a device.`;
  return new DeviceError("device-unusable", "device", message);
}

class FileTransport implements Transport {
  readonly pieceBytes = 65_536;
  readonly keeps = true;
  readonly #uri: string;
  readonly #handle: FileHandle;
  /** The file where this transport made it: its directory entry must survive a power cut too. */
  readonly #made: string | null;
  /** Something was printed, if only an empty job: `drain` counts. */
  #isUsed = false;
  #pieces = 0;

  constructor(uri: string, handle: FileHandle, made: string | null) {
    this.#uri = uri;
    this.#handle = handle;
    this.#made = made;
  }

  async write(piece: Uint8Array): Promise<void> {
    this.#isUsed = true;
    this.#pieces++;
    await this.#move(this.#pieces % LOOK_PIECES === 1, async () => {
      for (let at = 0; at < piece.length; ) {
        const { bytesWritten } = await this.#handle.write(piece, at, piece.length - at);
        at += bytesWritten;
      }
    });
  }

  async drain(): Promise<void> {
    this.#isUsed = true;
    await this.#move(true, async () => {
      await this.#handle.sync();
      if (this.#made !== null) await syncDirectory(dirname(this.#made));
    });
  }

  async *read(): AsyncGenerator<Uint8Array> {}

  async status(): Promise<DeviceStatus> {
    const links = await this.#handle.stat().then(
      (stat) => stat.nlink,
      () => 0,
    );
    return links > 0
      ? { ready: "yes", reason: null, source: "file" }
      : { ready: "no", reason: "cable", source: "file" };
  }

  /** A piece on its way to a file cannot be recalled and does not wait for anybody. */
  cancel(): void {}

  /** A printer that was only asked leaves no empty page behind. */
  async close(): Promise<void> {
    try {
      if (this.#made !== null && !this.#isUsed) await this.#remove(this.#made);
    } finally {
      await this.#handle.close();
    }
  }

  /** Ours only, should another file have taken the name. */
  async #remove(path: string): Promise<void> {
    const [ours, there] = [await this.#handle.stat(), await lstat(path).catch(() => null)];
    if (there !== null && there.ino === ours.ino && there.dev === ours.dev) await unlink(path);
  }

  /** @param looks whether the file is still there: asked now and then, and always at the end */
  async #move(looks: boolean, work: () => Promise<void>): Promise<void> {
    try {
      await work();
      // An unlinked file takes bytes without complaint and loses them with the last handle.
      if (!looks || (await this.#handle.stat()).nlink > 0) return;
    } catch (cause) {
      throw faultOfMoving(this.#uri, cause);
    }
    throw faultOfVanishing(this.#uri, "the output file was deleted while the document was written to it.");
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, constants.O_RDONLY);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
