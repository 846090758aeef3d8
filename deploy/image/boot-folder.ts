/** What the first partition holds: the Pi's firmware, kernels, device trees, and a word to who opens it. */
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { formatTemplate } from "../../agent/setup-template.ts";
import { COMMAND_LINES, formatCommandLine, formatConfig } from "./boot-texts.ts";
import { packInitramfs } from "./initramfs.ts";
import type { Kernel } from "./kernel.ts";

/** The cut-down firmware: no camera, no codecs (gpu_mem=16 asks for it). A Pi 5 has its own in a chip. */
const FIRMWARE = ["bootcode.bin", "start_cd.elf", "fixup_cd.dat", "start4cd.elf", "fixup4cd.dat"];
/** Names that only the vendor's own trees bear, for boards whose firmware may ask for no other. */
const ALIASES: Readonly<Record<string, string>> = {
  "bcm2712-d-rpi-5-b.dtb": "bcm2712d0-rpi-5-b.dtb",
  "bcm2837-rpi-3-b.dtb": "bcm2710-rpi-3-b.dtb",
  "bcm2837-rpi-3-b-plus.dtb": "bcm2710-rpi-3-b-plus.dtb",
  "bcm2837-rpi-zero-2-w.dtb": "bcm2710-rpi-zero-2-w.dtb",
};

export interface BootParts {
  /** raspi-firmware's folder. */
  readonly firmware: string;
  readonly kernel: Kernel;
  readonly kernelPi5: Kernel | null;
  readonly busybox: string;
  readonly epoch: number;
}

/** @param folder emptied first; @param scratch for what passes through */
export function fillBootFolder(folder: string, scratch: string, parts: BootParts): void {
  const { kernel, kernelPi5, epoch } = parts;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, "a"), { recursive: true });
  for (const name of FIRMWARE) copyFileSync(join(parts.firmware, name), join(folder, name));
  writeFileSync(join(folder, "config.txt"), formatConfig("a", kernelPi5 !== null));
  writeFileSync(join(folder, COMMAND_LINES.a), formatCommandLine("a"));
  copyFileSync(new URL("README.txt", import.meta.url), join(folder, "README.txt"));
  writeFileSync(join(folder, "platen.toml"), formatTemplate());
  const pack = (one: Kernel, suffix: string) => {
    writeFileSync(join(folder, `a/vmlinuz${suffix}`), one.packImage());
    writeFileSync(join(folder, `a/initrd${suffix}.img`), packInitramfs(one, parts.busybox, scratch, epoch));
  };
  pack(kernel, "");
  if (kernelPi5 !== null) pack(kernelPi5, "-pi5");
  const trees = new Map([...kernel.listDeviceTrees(), ...pi5Trees(kernelPi5)]);
  for (const [name, path] of trees) {
    copyFileSync(path, join(folder, name));
    const alias = ALIASES[name];
    if (alias !== undefined) copyFileSync(path, join(folder, alias));
  }
}

/** Each kernel gets the trees that came with it. */
function pi5Trees(kernel: Kernel | null): [string, string][] {
  return [...(kernel?.listDeviceTrees() ?? [])].filter(([name]) => name.startsWith("bcm2712"));
}
