/** An image as it was downloaded: compressed or not, with digests and a signature beside it. */

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream, existsSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { formatTemplate } from "../../agent/setup-template.ts";
import { PlatenError } from "../../wire/error.ts";
import { parsePublicKey, verifyMessage } from "../../wire/minisign.ts";
import { locateRoom } from "./room.ts";

const READ_BYTES = 1024 * 1024;

export interface ImageFile {
  readonly path: string;
  /** As it lies there, compressed or not. */
  readonly sizeBytes: number;
  readonly isCompressed: boolean;
}

/** @throws PlatenError `image-unusable` */
export function describeImage(path: string): ImageFile {
  try {
    const stat = statSync(path);
    if (!stat.isFile()) throw Object.assign(new Error(), { code: "it is no file" });
    return { path, sizeBytes: stat.size, isCompressed: /\.(?:zst|xz|gz)$/.test(path) };
  } catch (cause) {
    const why = `it cannot be read (${(cause as NodeJS.ErrnoException).code})`;
    throw new PlatenError("image-unusable", { image: path, why }, cause);
  }
}

/** The image's own bytes. @param onRead bytes of the file that were read so far */
export function readImage({ path }: ImageFile, onRead: (done: number) => void = () => {}): Readable {
  const file = createReadStream(path, { highWaterMark: READ_BYTES });
  let done = 0;
  file.on("data", (chunk) => {
    done += chunk.length;
    onRead(done);
  });
  const through = (unpack: NodeJS.ReadWriteStream) => {
    file.on("error", (error) => (unpack as unknown as Readable).destroy(error));
    return file.pipe(unpack) as unknown as Readable;
  };
  if (path.endsWith(".zst")) return through(createZstdDecompress());
  if (path.endsWith(".gz")) return through(createGunzip());
  return path.endsWith(".xz") ? unpackXz(path, file) : file;
}

/** Node knows no xz. */
function unpackXz(path: string, file: Readable): Readable {
  const xz = spawn("xz", ["--decompress", "--stdout"], { stdio: ["pipe", "pipe", "ignore"] });
  const fail = (why: string) => xz.stdout.destroy(new PlatenError("image-unusable", { image: path, why }));
  xz.on("error", () => fail("the program xz is not installed; take the .zst instead"));
  xz.on("exit", (status) => {
    if (status !== 0) fail("it is damaged: download it again");
  });
  xz.stdin.on("error", () => {});
  file.pipe(xz.stdin);
  return xz.stdout;
}

export type Proof = "signed" | "digest" | "none";

/**
 * Compares the image with `SHA256SUMS` beside it, and that with its signature where a key is given. One that was
 * prepared for a printer counts as what it was made of: its set-up file is taken as every fresh image has it.
 * @throws PlatenError `image-unusable` where anything differs
 */
export async function proveImage(
  { path }: ImageFile,
  keyFile: string | null,
  onRead: (done: number) => void,
): Promise<Proof> {
  const sums = join(dirname(path), "SHA256SUMS");
  const refuse = (why: string) => new PlatenError("image-unusable", { image: path, why });
  if (!existsSync(sums)) {
    if (keyFile !== null)
      throw refuse("no SHA256SUMS lies beside it, so there is nothing the key could prove");
    return "none";
  }
  const list = readFileSync(sums);
  if (keyFile !== null) proveList(list, `${sums}.minisig`, keyFile, refuse);
  const rows = list.toString("utf8").split("\n");
  const digests = await digestsOf(path, onRead);
  if (rows.some((row) => row.length > 66 && digests.includes(row.slice(0, 64)))) {
    return keyFile === null ? "digest" : "signed";
  }
  if (rows.some((row) => row.slice(66) === basename(path))) {
    throw refuse("it is not what SHA256SUMS names: download it again");
  }
  if (keyFile !== null) throw refuse("SHA256SUMS beside it does not name it");
  return "none";
}

/** Hexadecimal: of the image as it is, and as it was before it was prepared. */
async function digestsOf(path: string, onRead: (done: number) => void): Promise<string[]> {
  const room = await locateRoom(path);
  const fresh = formatTemplate();
  const [asIs, asMade] = [createHash("sha256"), createHash("sha256")];
  let done = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: READ_BYTES }) as AsyncIterable<Buffer>) {
    asIs.update(chunk);
    if (room !== null) asMade.update(overlay(chunk, fresh, room - done));
    done += chunk.length;
    onRead(done);
  }
  return room === null ? [asIs.digest("hex")] : [asIs.digest("hex"), asMade.digest("hex")];
}

/** `chunk` with as much of `patch` over it as falls into it, where `patch` begins `at` bytes after it begins. */
function overlay(chunk: Buffer, patch: Uint8Array, at: number): Buffer {
  const from = Math.max(0, -at);
  const to = Math.min(patch.length, chunk.length - at);
  if (from >= to) return chunk;
  const patched = Buffer.from(chunk);
  patched.set(patch.subarray(from, to), at + from);
  return patched;
}

function proveList(
  list: Uint8Array,
  signature: string,
  keyFile: string,
  refuse: (why: string) => PlatenError,
): void {
  const key = parsePublicKey(readFileSync(keyFile, "utf8"));
  if (key === null) throw refuse(`${keyFile} is no minisign public key`);
  if (!existsSync(signature)) throw refuse("SHA256SUMS beside it is not signed");
  if (verifyMessage(key, list, readFileSync(signature, "utf8")) === null) {
    throw refuse("the signature of SHA256SUMS does not fit the key: do not use it");
  }
}
