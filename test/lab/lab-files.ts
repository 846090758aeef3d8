/**
 * What a guest boots from: a Debian kernel and udev, unpacked (never installed), and a small initramfs. The packages
 * come from wherever this machine's apt takes its own.
 */
import { execFile, spawnSync } from "node:child_process";
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

const PROGRAMS = ["qemu-system-x86_64", "busybox", "cpio", "depmod", "apt-get", "dpkg", "evtest"];
/** Modules the initramfs needs to reach the file tree. */
const EARLY_MODULES = ["virtio_pci", "9pnet_virtio", "9p"];

export interface LabFiles {
  readonly folder: string;
  readonly kernel: string;
  readonly initramfs: string;
}

/** The programs that are missing here; the lab needs all. */
export function missingPrograms(): string[] {
  if (process.arch !== "x64") return ["an x86-64 machine"];
  const missing = PROGRAMS.filter((program) => spawnSync("sh", ["-c", `command -v ${program}`]).status !== 0);
  if (missing.length > 0 && process.env.CI === "true") throw new Error(`missing: ${missing.join(", ")}`);
  return missing;
}

/** Fetches and makes what is not there yet; a second call is quick. Folder: `PLATEN_LAB`, or one under the temporary folder. */
export async function prepareLab(): Promise<LabFiles> {
  const folder = process.env.PLATEN_LAB ?? join(tmpdir(), "platen-lab");
  await mkdir(folder, { recursive: true });
  const release = await unpackKernel(folder);
  await unpack(folder, "udev", "udev");
  const initramfs = join(folder, "initramfs.cpio");
  await makeInitramfs(folder, release, initramfs);
  return { folder, kernel: join(folder, "kernel", "boot", `vmlinuz-${release}`), initramfs };
}

/** The version of the kernel, as its folder is named. */
async function unpackKernel(folder: string): Promise<string> {
  const depends = await run("apt-cache", ["depends", "linux-image-amd64"]);
  const name = /Depends: (linux-image-\S+)/.exec(depends.stdout)?.[1];
  if (name === undefined) throw new Error("apt knows no linux-image-amd64; run apt-get update");
  const release = name.replace("linux-image-", "");
  if (await unpack(folder, name, "kernel")) await run("depmod", ["-b", join(folder, "kernel"), release]);
  return release;
}

async function unpack(folder: string, name: string, into: string): Promise<boolean> {
  const target = join(folder, into);
  if ((await readdir(target).catch((): string[] => [])).includes(`.${name}`)) return false;
  await rm(target, { recursive: true, force: true });
  await run("apt-get", ["download", name], { cwd: folder });
  const archive = (await readdir(folder)).find((file) => file.startsWith(`${name}_`));
  if (archive === undefined) throw new Error(`apt-get download ${name} left no file`);
  await run("dpkg", ["-x", join(folder, archive), target]);
  await rm(join(folder, archive));
  await writeFile(join(target, `.${name}`), "");
  return true;
}

async function makeInitramfs(folder: string, release: string, path: string): Promise<void> {
  const tree = join(folder, "initramfs");
  await rm(tree, { recursive: true, force: true });
  for (const place of ["bin", "dev", "proc", "sys", "root", "modules"]) {
    await mkdir(join(tree, place), { recursive: true });
  }
  const busybox = (await run("sh", ["-c", "command -v busybox"])).stdout.trim();
  await copyFile(busybox, join(tree, "bin", "busybox"));
  const init = await readFile(new URL("guest-init.sh", import.meta.url));
  await writeFile(join(tree, "init"), init, { mode: 0o755 });
  const order: string[] = [];
  for (const module of EARLY_MODULES) {
    const needs = await run("modprobe", [
      ...["-d", join(folder, "kernel"), "-S", release, "--show-depends", module],
    ]);
    for (const [, file = ""] of needs.stdout.matchAll(/^insmod (\S+)/gm)) {
      if (order.includes(basename(file))) continue;
      order.push(basename(file));
      await copyFile(file, join(tree, "modules", basename(file)));
    }
  }
  await writeFile(join(tree, "modules", "order"), `${order.join("\n")}\n`);
  await run("sh", ["-c", 'cd "$1" && find . | cpio -o -H newc -R 0:0 > "$2"', "sh", tree, path]);
}
