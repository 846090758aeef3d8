/** The image that the lab boots, and what else it takes. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

const PROGRAMS = [
  ...["qemu-system-aarch64", "socat", "sfdisk", "mcopy", "mtype", "dtc"],
  ...["e2fsck", "debugfs"],
];

/** What `npm run image` left, or `PLATEN_IMAGE`. */
export const IMAGE =
  process.env.PLATEN_IMAGE ?? new URL("../../.image/platen-arm64.img", import.meta.url).pathname;

/** What is missing here to boot the image; nothing of it is needed elsewhere. */
export function missingForImage(): string[] {
  return insist([...programsMissing(), ...(existsSync(IMAGE) ? [] : ["an image (npm run image)"])]);
}

/** The same for what emulates the board alone, with nothing of ours in it. */
export function missingForBoard(): string[] {
  return insist(programsMissing());
}

function programsMissing(): string[] {
  return PROGRAMS.filter((program) => spawnSync("sh", ["-c", `command -v ${program}`]).status !== 0);
}

/** In CI what is missing is a failure, not a skip. */
function insist(missing: string[]): string[] {
  if (missing.length > 0 && process.env.CI === "true") throw new Error(`missing: ${missing.join(", ")}`);
  return missing;
}
