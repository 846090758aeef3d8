/** The replayer against a log that QEMU wrote: at each flush, what was written before it, and nothing that came after. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { missingForBoard } from "./image-file.ts";
import { recordedDisk } from "./pi.ts";
import { Qemu, socketDevice } from "./qemu.ts";
import { Qmp } from "./qmp.ts";
import { replayFlushes } from "./write-log.ts";

const KIB = 1024;
const STEPS = [
  "write -P 0x11 0 4k",
  "flush",
  "write -P 0x22 600k 1k",
  "flush",
  "write -P 0x33 512 512",
  "flush",
  "discard 0 4k",
  "write -P 0x44 1k 512",
];

describe.skipIf(missingForBoard().length > 0)("a recorded run", () => {
  let folder: string;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "platen-log-"));
    const [card, log] = ["card", "log"].map((name) => join(folder, name)) as [string, string];
    writeFileSync(card, Buffer.alloc(1024 * KIB));
    writeFileSync(log, "");
    const qemu = await Qemu.start("qemu-system-aarch64", folder, (own) => [
      ...["-M", "virt", "-nodefaults", "-display", "none", "-S", ...recordedDisk(card, log)],
      ...["-chardev", socketDevice(own, "qmp"), "-mon", "chardev=qmp,mode=control"],
    ]);
    const qmp = await Qmp.open(await qemu.dial("qmp"));
    for (const step of STEPS) await qmp.askMonitor(`qemu-io recorded "${step}"`);
    qmp.close();
    await qemu.close();
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** What stands at `at` of the partition at each of its flushes. */
  async function replay(offsetBytes: number, at: readonly number[]): Promise<number[][]> {
    const image = join(folder, "image");
    writeFileSync(image, Buffer.alloc(512 * KIB));
    const seen: number[][] = [];
    for await (const _ of replayFlushes(join(folder, "log"), image, { offsetBytes, sizeBytes: 512 * KIB })) {
      const bytes = readFileSync(image);
      seen.push(at.map((place) => bytes[place] ?? -1));
    }
    return seen;
  }

  it("is found again at each flush that changed something", async () => {
    expect(await replay(0, [0, 512, 1024])).toEqual([
      [0x11, 0x11, 0x11],
      [0x11, 0x33, 0x11],
    ]);
  });

  it("leaves out what lies in another partition", async () => {
    expect(await replay(512 * KIB, [0, 88 * KIB])).toEqual([[0, 0x22]]);
  });
});
