/** An image as it was downloaded: compressed or not, with digests and a signature beside it. */

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream, existsSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { PlatenError } from "../../wire/error.ts";
import { parsePublicKey, verifyMessage } from "../../wire/minisign.ts";

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
 * Compares the image with `SHA256SUMS` beside it, and that with its signature where a key is given.
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
  const line = list
    .toString("utf8")
    .split("\n")
    .find((row) => row.slice(66) === basename(path));
  if (line === undefined) throw refuse("SHA256SUMS beside it does not name it");
  const hash = createHash("sha256");
  let done = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: READ_BYTES })) {
    hash.update(chunk);
    done += chunk.length;
    onRead(done);
  }
  if (hash.digest("hex") !== line.slice(0, 64))
    throw refuse("it is not what SHA256SUMS names: download it again");
  return keyFile === null ? "digest" : "signed";
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
