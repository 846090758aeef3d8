/** Partitions put together to what is written to a card. */
import { rmSync } from "node:fs";
import { extentOf, formatTable, imageMib, type PartitionName } from "./layout.ts";
import { run } from "./program.ts";

/** @param contents files, none longer than its partition; a partition without one stays empty */
export function writeCardImage(
  image: string,
  contents: Readonly<Partial<Record<PartitionName, string>>>,
): void {
  rmSync(image, { force: true });
  run("truncate", ["--size", `${imageMib()}M`, image]);
  run("sfdisk", ["--quiet", "--no-reread", "--no-tell-kernel", image], { input: formatTable() });
  for (const [name, file] of Object.entries(contents) as [PartitionName, string][]) {
    const { startMib, sizeMib } = extentOf(name);
    const bytes = Number(run("stat", ["--format=%s", file]).toString());
    if (bytes > sizeMib * 1024 ** 2) {
      throw new Error(`${name} has ${bytes} bytes, ${bytes - sizeMib * 1024 ** 2} more than its partition`);
    }
    run("dd", [
      `if=${file}`,
      `of=${image}`,
      "bs=1M",
      `seek=${startMib}`,
      "conv=notrunc,sparse",
      "status=none",
    ]);
  }
}
