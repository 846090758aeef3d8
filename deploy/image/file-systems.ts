/** The partitions' contents as files: nothing is mounted, and equal input gives equal bytes. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { extentOf } from "./layout.ts";
import { run } from "./program.ts";

/** Any will do; equal in every image, as the card's own size and table are. */
const BOOT_VOLUME = "706c7401";
const DATA_UUID = "706c6174-656e-4461-8461-000000000004";

/** FAT32 with what lies in `folder`: the one partition that any computer opens. */
export function packBoot(folder: string, image: string, epoch: number): void {
  rmSync(image, { force: true });
  run("truncate", ["--size", `${extentOf("boot").sizeMib}M`, image]);
  run("mkfs.vfat", ["-F", "32", "-s", "2", "-n", "PLATEN", "-i", BOOT_VOLUME, "--invariant", image]);
  const env = { SOURCE_DATE_EPOCH: String(epoch), MTOOLS_SKIP_CHECK: "1" };
  run("find", [folder, "-exec", "touch", `--date=@${epoch}`, "{}", "+"]);
  const names = run("ls", [folder], { env }).toString().split("\n").filter(Boolean);
  run("mcopy", ["-s", "-m", "-i", image, ...names.map((name) => join(folder, name)), "::/"], { env });
}

/**
 * The root, read-only for good. zstd: xz would save a seventh of the size for ten times the work at each start
 * (docs/image.md).
 */
export function packRoot(folder: string, image: string, epoch: number): void {
  rmSync(image, { force: true });
  const packing = ["-comp", "zstd", "-Xcompression-level", "15", "-b", "128K"];
  const options = ["-all-root", "-no-xattrs", "-noappend", "-quiet", "-no-progress"];
  // Becomes the time of every file.
  const env = { SOURCE_DATE_EPOCH: String(epoch) };
  run("mksquashfs", [folder, image, ...packing, ...options], { env });
}

/**
 * ext4 for documents and the little that must outlive a power cut, as small as it may be sent and ready to grow.
 * @param names of the folders it holds at first
 */
export function packData(names: readonly string[], image: string, epoch: number): void {
  rmSync(image, { force: true });
  const env = { E2FSPROGS_FAKE_TIME: String(epoch) };
  const extended = `hash_seed=${DATA_UUID},lazy_itable_init=0,lazy_journal_init=0,root_owner=0:0`;
  const shape = "-q -F -t ext4 -b 4096 -i 65536 -J size=4 -m 1 -L platen-data".split(" ");
  const size = `${extentOf("data").sizeMib}M`;
  run("mke2fs", [...shape, "-U", DATA_UUID, "-E", extended, image, size], { env });
  // Made here, not copied: they belong to root whoever builds.
  run("debugfs", ["-w", "-f", "-", image], { env, input: names.map((name) => `mkdir ${name}\n`).join("") });
}
