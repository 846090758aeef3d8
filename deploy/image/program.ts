/** Debian's programs that make an image. Nothing is installed: what is missing is named. */
import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { join } from "node:path";

/** Program and the Debian package it comes in. */
const PACKAGES: Readonly<Record<string, string>> = {
  "apt-get": "apt",
  "aarch64-linux-gnu-g++": "g++-aarch64-linux-gnu",
  "aarch64-linux-gnu-readelf": "binutils-aarch64-linux-gnu",
  "aarch64-linux-gnu-strip": "binutils-aarch64-linux-gnu",
  cpio: "cpio",
  debugfs: "e2fsprogs",
  depmod: "kmod",
  "dpkg-deb": "dpkg",
  mcopy: "mtools",
  mke2fs: "e2fsprogs",
  "mkfs.vfat": "dosfstools",
  mksquashfs: "squashfs-tools",
  modprobe: "kmod",
  npm: "npm",
  sfdisk: "fdisk",
  "systemd-sysusers": "systemd",
  xz: "xz-utils",
  zstd: "zstd",
};
const FOLDERS = (process.env.PATH ?? "").split(":").concat("/usr/sbin", "/sbin");

/** A sentence with the command that installs what is missing; null when all is there. */
export function describeMissing(programs: readonly string[] = Object.keys(PACKAGES)): string | null {
  const missing = programs.filter((name) => !FOLDERS.some((folder) => isProgram(join(folder, name))));
  if (missing.length === 0) return null;
  const packages = new Set(missing.map((name) => PACKAGES[name] ?? name));
  return `${missing.join(", ")}: not installed, so no image can be made. apt install ${[...packages].sort().join(" ")}`;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string | Uint8Array;
}

/**
 * Runs a program to its end.
 * @returns its standard output
 * @throws Error with what it said, unless it succeeds
 */
export function run(program: string, args: readonly string[], { cwd, env, input }: RunOptions = {}): Buffer {
  const { error, status, stdout, stderr } = spawnSync(program, args, {
    ...(cwd === undefined ? {} : { cwd }),
    ...(input === undefined ? {} : { input }),
    env: { ...process.env, PATH: FOLDERS.join(":"), LC_ALL: "C.UTF-8", ...env },
    maxBuffer: 1024 ** 3,
  });
  if (error !== undefined) throw error;
  if (status !== 0) {
    const said = `${stderr.toString()}${stdout.toString("utf8", 0, 4096)}`
      .trim()
      .split("\n")
      .slice(-20)
      .join("\n");
    throw new Error(`${program} ${args.slice(0, 6).join(" ")} ended with ${status}:\n${said}`);
  }
  return stdout;
}
