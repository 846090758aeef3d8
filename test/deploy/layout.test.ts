/** Where things lie on the card: nothing overlaps, flash's own blocks are respected, and Debian's sfdisk reads it so. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import {
  DISK_ID,
  extentOf,
  formatTable,
  imageMib,
  PARTITIONS,
  partUuid,
  planPartitions,
  SECTOR_BYTES,
} from "../../deploy/image/layout.ts";

const SFDISK = "/usr/sbin/sfdisk";
const hasSfdisk = spawnSync(SFDISK, ["--version"]).status === 0;

it("leaves no two partitions on one block of flash, and the data last, where it can grow", () => {
  let end = 0;
  for (const { startMib, sizeMib } of planPartitions()) {
    expect(startMib).toBeGreaterThanOrEqual(end);
    expect(startMib % 4).toBe(0);
    end = startMib + sizeMib;
  }
  expect(planPartitions().map(({ name }) => name)).toEqual([...PARTITIONS]);
  expect(PARTITIONS.at(-1)).toBe("data");
  expect(imageMib()).toBe(end);
});

it("has two slots of the same size, as an update needs", () => {
  expect(extentOf("root-b").sizeMib).toBe(extentOf("root-a").sizeMib);
});

it("names partitions as the kernel does", () => {
  expect(partUuid("root-a")).toBe("706c7401-02");
});

it.skipIf(!hasSfdisk && process.env.CI !== "true")("is read by sfdisk as it was meant", () => {
  const folder = mkdtempSync(join(tmpdir(), "platen-layout-"));
  const image = join(folder, "image");
  writeFileSync(image, "");
  truncateSync(image, imageMib() * 1024 ** 2);
  const write = spawnSync(SFDISK, ["--quiet", "--no-reread", "--no-tell-kernel", image], {
    input: formatTable(),
  });
  const read = spawnSync(SFDISK, ["--json", image], { encoding: "utf8" });
  rmSync(folder, { recursive: true });
  expect(write.stderr.toString()).toBe("");
  const { partitiontable } = JSON.parse(read.stdout);
  expect(partitiontable).toMatchObject({ label: "dos", id: `0x${DISK_ID.toString(16)}` });
  const sectors = (mib: number) => (mib * 1024 ** 2) / SECTOR_BYTES;
  expect(partitiontable.partitions).toMatchObject(
    planPartitions().map(({ startMib, sizeMib }) => ({ start: sectors(startMib), size: sectors(sizeMib) })),
  );
});
