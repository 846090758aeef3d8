/**
 * A virtual machine with a Debian kernel and its real USB, HID and evdev drivers. It sees this machine's file tree
 * read-only, so the code under test needs no installing. Emulated throughout: no accelerator is asked for.
 */
import { connect, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import type { CommandChannel, Outcome } from "./command-channel.ts";
import type { LabFiles } from "./lab-files.ts";
import { Qemu, socketDevice } from "./qemu.ts";

export interface GuestOptions {
  /** Names of USB ports that emulated devices are plugged into. */
  readonly ports: readonly string[];
}

const BOOT_MS = 90_000;

export class Guest {
  readonly #qemu: Qemu;
  readonly #commands: CommandChannel;
  #monitor: Socket | null = null;

  private constructor(qemu: Qemu, commands: CommandChannel) {
    this.#qemu = qemu;
    this.#commands = commands;
  }

  static async boot(files: LabFiles, options: GuestOptions): Promise<Guest> {
    const qemu = await Qemu.start("qemu-system-x86_64", files.folder, (folder) =>
      argumentsOf(files, folder, options),
    );
    try {
      return new Guest(qemu, await qemu.commands(BOOT_MS));
    } catch (cause) {
      await qemu.close();
      throw cause;
    }
  }

  /** A file that the guest sees under the same path, and that goes with it. */
  sharedFile(name: string): string {
    return this.#qemu.file(name);
  }

  /** What an emulated device plugs itself into. */
  port(name: string): string {
    return this.#qemu.socket(name);
  }

  /** Runs a shell command; several may run at once. */
  run(command: string): Promise<Outcome> {
    return this.#commands.run(command);
  }

  /** The output of a command that must succeed. */
  ask(command: string): Promise<string> {
    return this.#commands.ask(command);
  }

  /** Presses keys of the machine's own keyboard, which is none of ours, as QEMU names them. */
  async sendKeys(...names: readonly string[]): Promise<void> {
    this.#monitor ??= connect(this.port("monitor"));
    for (const name of names) {
      this.#monitor.write(`sendkey ${name} 30\n`);
      await pause(80);
    }
  }

  async close(): Promise<void> {
    this.#commands.close();
    this.#monitor?.destroy();
    await this.#qemu.close();
  }
}

function argumentsOf(files: LabFiles, folder: string, { ports }: GuestOptions): string[] {
  const socket = (name: string): string => socketDevice(folder, name);
  return [
    ...["-machine", "pc", "-cpu", "max", "-m", "1024", "-smp", "2", "-no-reboot", "-nodefaults"],
    ...["-display", "none", "-vga", "std", "-serial", `file:${folder}/console.log`],
    ...["-kernel", files.kernel, "-initrd", files.initramfs],
    ...["-append", `console=ttyS0 loglevel=6 panic=-1 mitigations=off lab=${files.folder}`],
    ...["-virtfs", "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap"],
    ...["-device", "virtio-serial-pci", "-chardev", socket("commands")],
    ...["-device", "virtserialport,chardev=commands,name=lab"],
    ...["-chardev", socket("monitor"), "-mon", "chardev=monitor,mode=readline"],
    // Ports enough, or QEMU puts a hub in between.
    ...["-device", "nec-usb-xhci,p2=8,p3=8"],
    ...ports.flatMap((name) => ["-chardev", socket(name), "-device", `usb-redir,chardev=${name}`]),
  ];
}
