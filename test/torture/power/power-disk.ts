/**
 * A disk that can lose its power: an ext4 file system in a file, through a loop device. What the file holds at any
 * moment is what reached the disk; a copy of it, mounted instead, is the disk after the cut.
 */
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const DISK_BYTES = 96 * 1024 * 1024;
/** The kernel writes nothing back by itself meanwhile. */
const OPTIONS = "loop,commit=300,noatime";

export class PowerDisk {
  readonly #folder: string;
  readonly #images = mkdtempSync(join(tmpdir(), "platen-disk-"));
  #generation = 0;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Moves a folder, which nobody uses just then, onto a disk of its own. */
  static take(folder: string): PowerDisk {
    const disk = new PowerDisk(folder);
    writeFileSync(disk.#image, "");
    truncateSync(disk.#image, DISK_BYTES);
    run("mkfs.ext4", ["-q", "-F", disk.#image]);
    renameSync(folder, disk.#aside);
    mkdirSync(folder, { mode: 0o700 });
    disk.#mount();
    cpSync(disk.#aside, folder, { recursive: true, preserveTimestamps: true });
    rmSync(disk.#aside, { recursive: true });
    run("sync", ["-f", folder]);
    return disk;
  }

  /** Whoever used it is dead. From here on it holds what had reached it. */
  cutPower(): void {
    const before = this.#image;
    this.#generation++;
    copyFileSync(before, this.#image);
    this.#unmount();
    rmSync(before);
    this.#mount();
  }

  /** Back to an ordinary folder. */
  leave(): void {
    cpSync(this.#folder, this.#aside, { recursive: true, preserveTimestamps: true });
    this.#unmount();
    rmSync(this.#folder, { recursive: true });
    renameSync(this.#aside, this.#folder);
    rmSync(join(this.#folder, "lost+found"), { recursive: true, force: true });
    rmSync(this.#images, { recursive: true });
  }

  get #image(): string {
    return join(this.#images, `${this.#generation}.img`);
  }

  get #aside(): string {
    return `${this.#folder}.aside`;
  }

  #mount(): void {
    run("mount", ["-o", OPTIONS, this.#image, this.#folder]);
  }

  #unmount(): void {
    run("umount", [this.#folder]);
  }
}

function run(program: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(program, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${stderr}`);
}
