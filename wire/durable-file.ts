/** Small files that must be whole after a power cut: written beside, synced, renamed, the folder synced. */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/**
 * Replaces `path` with `bytes`, or leaves the old file whole. Durable on return.
 * @param mode e.g. 0o600; set from the first moment the file exists
 */
export function writeDurably(path: string, bytes: Uint8Array | string, mode: number): void {
  const beside = join(dirname(path), `.${basename(path)}.new`);
  rmSync(beside, { force: true });
  const fd = openSync(beside, "wx", mode);
  try {
    const data = typeof bytes === "string" ? Buffer.from(bytes) : bytes;
    for (let at = 0; at < data.length; ) at += writeSync(fd, data, at);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(beside, path);
  syncFolder(dirname(path));
}

/** Makes names in a folder durable: a created, renamed or removed file is not until its folder is synced. */
export function syncFolder(folder: string): void {
  // Windows cannot open a folder to sync it, and its file systems order this by themselves.
  if (process.platform === "win32") return;
  const fd = openSync(folder, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
