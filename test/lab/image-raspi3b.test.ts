/**
 * The image on a Pi 3 as QEMU knows it: Debian's device tree for the board, its SD controller, its serial port. A smoke
 * test: QEMU's Pi has no network and no USB worth trying.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it, vi } from "vitest";
import { Card } from "./card.ts";
import { IMAGE, missingForImage } from "./image-file.ts";
import { PATIENCE_MS, until } from "./patience.ts";
import { Qemu } from "./qemu.ts";

const DEVICE_TREE = "bcm2837-rpi-3-b.dtb";

vi.setConfig({ testTimeout: 2 * PATIENCE_MS });

describe.skipIf(missingForImage().length > 0)("a Pi 3", () => {
  const folder = mkdtempSync(join(tmpdir(), "platen-pi-"));
  let qemu: Qemu | null = null;
  afterAll(async () => {
    await qemu?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it("starts from its SD card, and says on it what is wrong with the set-up file", async () => {
    const card = await Card.flash(IMAGE, folder);
    await card.writeBoot("platen.toml", "# to be filled in\n");
    const { kernel, initrd, commandLine } = await card.bootFiles();
    const deviceTree = await card.fetchBoot(DEVICE_TREE);
    // An emulated second may take so many of this host's that the board's own watchdog gives up.
    const words = [...commandLine.split(" "), "console=ttyAMA0,115200", "systemd.watchdog_sec=off"];
    qemu = await Qemu.start("qemu-system-aarch64", folder, (run) => [
      ...["-M", "raspi3b", "-m", "1G", "-smp", "4", "-nodefaults", "-no-reboot", "-display", "none"],
      ...["-serial", `file:${run}/console.log`, "-serial", "null"],
      ...["-kernel", kernel, "-initrd", initrd, "-dtb", deviceTree],
      ...["-append", words.filter((word) => word !== "quiet").join(" ")],
      ...["-drive", `file=${card.path},if=sd,format=raw`],
    ]);
    const running = qemu;
    const said = await until(
      "a word on the card",
      () => {
        if (!running.isRunning) throw new Error("the machine ended");
        return card.readBoot("platen-problem.txt");
      },
      async () => (await running.log()).slice(-2000),
    );
    expect(said).toMatch(/filled in/);
  });
});
