/** A disk that may be flashed: what Linux knows of it, and every reason not to touch it. */
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { PlatenError } from "../../wire/error.ts";

const SECTOR = 512;

export interface Disk {
  /** `/dev/sdb` */
  readonly path: string;
  readonly sizeBytes: number;
  readonly model: string;
  /** A card or a stick, as the kernel sees it. */
  readonly isRemovable: boolean;
}

/**
 * @param root where `sys` and `proc` are: another folder in tests
 * @throws PlatenError `disk-refused` for what is no whole disk, is read-only, mounted, swapped on or used by the system
 */
export function describeDisk(device: string, root = "/"): Disk {
  const refuse = (why: string) => new PlatenError("disk-refused", { device, why });
  if (process.platform !== "linux")
    throw refuse("this command knows Linux only; use Raspberry Pi Imager here");
  const path = existsSync(device) ? realpathSync(device) : device;
  const name = basename(path);
  const sys = join(root, "sys/class/block", name);
  if (!existsSync(sys) || !isSame(path, sys)) throw refuse("there is no such disk");
  if (existsSync(join(sys, "partition")))
    throw refuse("it is one partition; name the whole disk, as in /dev/sdb");
  const sizeBytes = Number(read(join(sys, "size"))) * SECTOR;
  if (sizeBytes === 0) throw refuse("no card is in it");
  if (read(join(sys, "ro")) === "1")
    throw refuse("it is write-protected; look at the small switch on the card");
  const parts = [name, ...readdirSync(sys).filter((entry) => existsSync(join(sys, entry, "partition")))];
  const used = parts.map((part) => findUse(root, part)).find((use) => use !== null);
  if (used) throw refuse(used);
  const model = ["vendor", "model", "name"].map((file) => read(join(sys, "device", file)) ?? "");
  return {
    path,
    sizeBytes,
    model: model.join(" ").replace(/\s+/g, " ").trim() || "unknown",
    isRemovable: read(join(sys, "removable")) === "1" || name.startsWith("mmcblk"),
  };
}

/** The device node is the one that sysfs means by this name. */
function isSame(path: string, sys: string): boolean {
  try {
    const { rdev } = statSync(path);
    // Linux packs the numbers so (makedev(3)).
    const major = ((rdev >>> 8) & 0xfff) | 0;
    const minor = (rdev & 0xff) | ((rdev >>> 12) & 0xfff00);
    return read(join(sys, "dev")) === `${major}:${minor}`;
  } catch {
    return false;
  }
}

function findUse(root: string, part: string): string | null {
  const numbers = read(join(root, "sys/class/block", part, "dev"));
  const mounts = readFileSync(join(root, "proc/self/mountinfo"), "utf8").split("\n");
  const mount = mounts
    .map((line) => line.split(" "))
    // Btrfs counts its file systems itself: of it only the device's name tells (proc_pid_mountinfo(5)).
    .find((fields) => fields[2] === numbers || fields[fields.indexOf("-") + 2] === `/dev/${part}`);
  if (mount !== undefined) {
    const where = (mount[4] ?? "").replaceAll("\\040", " ");
    return where === "/" || /^\/(?:boot|usr|var|home|etc)\b/.test(where)
      ? `this computer runs from it (${where})`
      : `it is mounted at ${where}; take it off first: umount ${where}`;
  }
  const swaps = read(join(root, "proc/swaps")) ?? "";
  if (swaps.split("\n").some((line) => line.startsWith(`/dev/${part} `))) return "this computer swaps on it";
  const holders = join(root, "sys/class/block", part, "holders");
  const [holder] = existsSync(holders) ? readdirSync(holders) : [];
  return holder === undefined ? null : `${holder} is built on it (encryption, LVM or RAID)`;
}

function read(path: string): string | null {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return null;
  }
}
