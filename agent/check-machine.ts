/** Doctor's checks of the machine itself: clock, disk, what waits in the spool, swap. Facts come in, words go out. */
import { existsSync, readdirSync, readFileSync, statfsSync, statSync } from "node:fs";
import { join } from "node:path";
import { bad, type Diagnosis, good, note } from "../wire/diagnosis.ts";
import { BUILD_TIME_S } from "./clock.ts";

const MIB = 1024 ** 2;
const DAY_MS = 86_400_000;

export interface ClockFacts {
  readonly nowMs: number;
  /** systemd-timesyncd has agreed with a server since the start; null where it does not run. */
  readonly isSynchronized: boolean | null;
  /** The machine keeps the time while it is switched off. */
  readonly hasRtc: boolean;
}

export function readClockFacts(root = "/"): ClockFacts {
  const hasTimesync = existsSync(join(root, "run/systemd/timesync"));
  return {
    nowMs: Date.now(),
    isSynchronized: hasTimesync ? existsSync(join(root, "run/systemd/timesync/synchronized")) : null,
    hasRtc: existsSync(join(root, "dev/rtc0")),
  };
}

export function checkClock({ nowMs, isSynchronized, hasRtc }: ClockFacts): Diagnosis {
  const day = new Date(nowMs).toISOString().slice(0, 10);
  const remedy = "Let it reach a time server: timedatectl set-ntp true, and UDP port 123 open.";
  if (nowMs < BUILD_TIME_S * 1000 - DAY_MS) {
    return bad("clock", `This machine believes it is ${day}; certificates seem not valid yet.`, remedy);
  }
  if (isSynchronized === false && !hasRtc) {
    const what = `It is ${day}, but no time server has confirmed it and there is no battery-backed clock.`;
    return note("clock", what, remedy);
  }
  return good("clock", `It is ${day}${isSynchronized === true ? ", confirmed by a time server" : ""}.`);
}

export interface DiskFacts {
  readonly folder: string;
  readonly freeBytes: number;
  readonly freeFiles: number;
  /** What documents may not take. */
  readonly reserveBytes: number;
}

/** Null where the folder cannot be looked at. */
export function readDiskFacts(folder: string, reserveBytes: number): DiskFacts | null {
  try {
    const { bavail, bsize, ffree, files } = statfsSync(folder);
    // Some file systems count no files at all.
    return { folder, freeBytes: bavail * bsize, freeFiles: files === 0 ? 1e9 : ffree, reserveBytes };
  } catch {
    return null;
  }
}

export function checkDisk({ folder, freeBytes, freeFiles, reserveBytes }: DiskFacts): Diagnosis {
  const free = `${Math.floor(freeBytes / MIB)} MiB`;
  const remedy = "Make room: journalctl --vacuum-size=50M, apt-get clean; or move the data directory.";
  if (freeBytes <= reserveBytes) {
    return bad("disk", `The disk of ${folder} has ${free} left: no document is taken any more.`, remedy);
  }
  if (freeFiles < 1000) return bad("disk", `The disk of ${folder} can hold hardly any more files.`, remedy);
  if (freeBytes < reserveBytes + 128 * MIB) {
    return note("disk", `The disk of ${folder} has only ${free} left.`, remedy);
  }
  return good("disk", `${free} are free for documents in ${folder}.`);
}

export interface SpoolFacts {
  readonly documents: number;
  readonly bytes: number;
  readonly oldestMs: number | null;
}

/** Null where nothing has ever waited here, or it cannot be read. */
export function readSpoolFacts(dataDir: string): SpoolFacts | null {
  const folder = join(dataDir, "jobs", "spool");
  try {
    const files = readdirSync(folder).map((name) => statSync(join(folder, name)));
    const oldest = Math.min(...files.map(({ mtimeMs }) => mtimeMs));
    return {
      documents: files.length,
      bytes: files.reduce((sum, { size }) => sum + size, 0),
      oldestMs: files.length === 0 ? null : oldest,
    };
  } catch {
    return null;
  }
}

/** Nothing is kept longer than a week: what is older has been forgotten by a program that does not run. */
const KEPT_MS = 8 * DAY_MS;

export function checkSpool({ documents, bytes, oldestMs }: SpoolFacts, nowMs: number): Diagnosis {
  if (oldestMs !== null && nowMs - oldestMs > KEPT_MS) {
    const what = "Sealed documents lie in the spool that should be gone: the agent has not run for long.";
    return note("spool", what, "Start it: systemctl start platen-agent. It destroys what has expired.");
  }
  if (documents === 0) return good("spool", "No document waits here.");
  const waiting = documents === 1 ? "1 sealed document waits" : `${documents} sealed documents wait`;
  return good("spool", `${waiting} here, ${(bytes / MIB).toFixed(1)} MiB.`);
}

/** Swap spaces on disks, by name. */
export function readSwaps(root = "/"): string[] {
  try {
    const [, ...lines] = readFileSync(join(root, "proc/swaps"), "utf8").trim().split("\n");
    return lines
      .map((line) => line.split(/\s+/)[0] ?? "")
      .filter((name) => !/^\/dev\/(?:zram|dm-|mapper\/)/.test(name) && name !== "");
  } catch {
    return [];
  }
}

export function checkSwap(swaps: readonly string[]): Diagnosis {
  if (swaps.length === 0) return good("swap", "Memory is never written to a disk.");
  const what = `Memory may be written to ${swaps.join(", ")}, and with it pieces of documents and keys.`;
  return note("swap", what, "Switch it off (swapoff -a; on a Raspberry Pi: dphys-swapfile) or use zram.");
}
