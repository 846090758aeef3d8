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
  const programs = PROGRAMS.filter(
    (program) => spawnSync("sh", ["-c", `command -v ${program}`]).status !== 0,
  );
  const missing = existsSync(IMAGE) ? programs : [...programs, "an image (npm run image)"];
  if (missing.length > 0 && process.env.CI === "true") throw new Error(`missing: ${missing.join(", ")}`);
  return missing;
}
