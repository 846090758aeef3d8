/**
 * A virtual machine with a Debian kernel and its real USB, HID and evdev drivers. It sees this machine's file tree
 * read-only, so the code under test needs no installing. Emulated throughout: no accelerator is asked for.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, open, readFile, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import type { LabFiles } from "./lab-files.ts";

export interface GuestOptions {
  /** Names of USB ports that emulated devices are plugged into. */
  readonly ports: readonly string[];
}

export interface Outcome {
  readonly status: number;
  readonly output: string;
}

const BOOT_MS = 90_000;

export class Guest {
  readonly #folder: string;
  readonly #process: ChildProcess;
  readonly #waiting = new Map<string, (outcome: Outcome) => void>();
  #commands: Socket | null = null;
  #monitor: Socket | null = null;
  #count = 0;

  constructor(folder: string, process: ChildProcess) {
    this.#folder = folder;
    this.#process = process;
  }

  static async boot(files: LabFiles, options: GuestOptions): Promise<Guest> {
    const folder = await mkdtemp(join(files.folder, "guest-"));
    const log = await open(join(folder, "qemu.log"), "a");
    const program = spawn(
      "nice",
      ["-n", "19", "qemu-system-x86_64", ...argumentsOf(files, folder, options)],
      { stdio: ["ignore", log.fd, log.fd] },
    );
    await log.close();
    const guest = new Guest(folder, program);
    try {
      await guest.#greet();
    } catch (cause) {
      const said = await guest.console();
      await guest.close();
      throw new Error(`the guest did not start:\n${said.slice(-3000)}`, { cause });
    }
    return guest;
  }

  /** A file that the guest sees under the same path, and that goes with it. */
  sharedFile(name: string): string {
    return join(this.#folder, name);
  }

  /** What an emulated device plugs itself into. */
  port(name: string): string {
    return join(this.#folder, `${name}.sock`);
  }

  /** Runs a shell command; several may run at once. */
  run(command: string): Promise<Outcome> {
    this.#count += 1;
    const id = String(this.#count);
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#commands?.write(`${id} ${Buffer.from(command).toString("base64")}\n`);
    });
  }

  /** The output of a command that must succeed. */
  async ask(command: string): Promise<string> {
    const { status, output } = await this.run(command);
    if (status !== 0) throw new Error(`${command}: status ${status}\n${output}`);
    return output;
  }

  /** Presses keys of the machine's own keyboard, which is none of ours, as QEMU names them. */
  async sendKeys(...names: readonly string[]): Promise<void> {
    this.#monitor ??= connect(this.port("monitor"));
    for (const name of names) {
      this.#monitor.write(`sendkey ${name} 30\n`);
      await pause(80);
    }
  }

  async console(): Promise<string> {
    const [kernel, qemu] = await Promise.all(
      ["console.log", "qemu.log"].map((name) => readFile(join(this.#folder, name), "utf8").catch(() => "")),
    );
    return `${qemu}${kernel}`;
  }

  async close(): Promise<void> {
    this.#commands?.destroy();
    this.#monitor?.destroy();
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      this.#process.kill("SIGKILL");
      await once(this.#process, "exit");
    }
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #greet(): Promise<void> {
    const deadline = AbortSignal.timeout(BOOT_MS);
    const died = once(this.#process, "exit", { signal: deadline }).then(() => {
      throw new Error("QEMU ended");
    });
    died.catch(() => undefined);
    const path = this.port("commands");
    while (!existsSync(path)) await Promise.race([pause(50), died]);
    this.#commands = connect(path);
    const ready = Promise.withResolvers<void>();
    createInterface(this.#commands.on("error", () => undefined)).on("line", (line) => {
      if (line.endsWith("READY")) ready.resolve();
      const [id = "", status = "", output = ""] = line.split(" ");
      this.#waiting.get(id)?.({ status: Number(status), output: Buffer.from(output, "base64").toString() });
      this.#waiting.delete(id);
    });
    await Promise.race([ready.promise, died]);
  }
}

function argumentsOf(files: LabFiles, folder: string, { ports }: GuestOptions): string[] {
  const socket = (name: string): string => `socket,id=${name},path=${folder}/${name}.sock,server=on,wait=off`;
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
