/**
 * What the Pi's firmware reads from the first partition. The kernels of slot A lie in the folder `a`; an update writes
 * `b` and the other root, tries it once with `tryboot.txt`, and makes it `config.txt` when it has proved itself.
 */
import { type PartitionName, partUuid } from "./layout.ts";

export type Slot = "a" | "b";

const ROOTS: Readonly<Record<Slot, PartitionName>> = { a: "root-a", b: "root-b" };

export const COMMAND_LINES: Readonly<Record<Slot, string>> = { a: "cmdline.txt", b: "cmdline-b.txt" };

/** @param withPi5 a second kernel lies beside the first, which alone knows the Pi 5's own chip (RP1) */
export function formatConfig(slot: Slot, withPi5: boolean): string {
  const lines = [
    "# Read by the Pi's firmware. Settings of Platen go into platen.toml.",
    "arm_64bit=1",
    `kernel=${slot}/vmlinuz`,
    `initramfs ${slot}/initrd.img followkernel`,
    `cmdline=${COMMAND_LINES[slot]}`,
    "# Debian's kernel brings the device trees under the names it gave them.",
    "upstream_kernel=1",
    "# Nothing is drawn: the memory is for documents in flight.",
    "gpu_mem=16",
    "disable_splash=1",
    "boot_delay=0",
  ];
  if (withPi5) {
    lines.push(
      "",
      "[pi5]",
      `kernel=${slot}/vmlinuz-pi5`,
      `initramfs ${slot}/initrd-pi5.img followkernel`,
      "[all]",
    );
  }
  return `${lines.join("\n")}\n`;
}

export function formatCommandLine(slot: Slot): string {
  const words = [
    // The serial line is for printers and keypads: no kernel message goes there.
    "console=tty0",
    `root=PARTUUID=${partUuid(ROOTS[slot])}`,
    "ro",
    "quiet",
    "loglevel=3",
    "net.ifnames=0",
    "panic=10",
    // Nobody is there to be asked.
    "fsck.repair=yes",
    // Memory that is given back is cleared: keys and documents do not lie about.
    "init_on_free=1",
    // Only Debian's own modules.
    "module.sig_enforce=1",
    // The card's root is all there is to know of it.
    "systemd.gpt_auto=no",
  ];
  return `${words.join(" ")}\n`;
}
