/**
 * A small arm64 machine that boots the image from a card, as it is: 512 MB as on a Zero 2 W, real drivers, and a network
 * that leads to one port of this host and nowhere else. What only the lab needs comes with the kernel's command line.
 */
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import type { Card } from "./card.ts";
import type { CommandChannel, Outcome } from "./command-channel.ts";
import { PATIENCE_MS } from "./patience.ts";
import { Qemu, socketDevice } from "./qemu.ts";
import { Qmp } from "./qmp.ts";

/** Where the guest finds the broker. */
export const BROKER_ADDRESS = "10.0.2.100:8883";

export interface PiOptions {
  /** USB ports that emulated devices are plugged into. */
  readonly ports?: readonly string[];
  /** FTDI adapters, each with a line that a printer's program is at the end of. */
  readonly lines?: readonly string[];
  /** The port of this host that the broker's address leads to; without, it leads nowhere. */
  readonly brokerPort?: number;
  /** What the clock says at power on; else this host's time. */
  readonly clock?: Date;
  /** Another device tree than the machine's own. */
  readonly deviceTree?: string;
  /** More for the kernel's command line. */
  readonly append?: string;
  /** A file that gets every write and flush of the card, in the kernel's dm-log-writes format. */
  readonly recordWrites?: string;
}

/** Bytes and operations since power on, as the card saw them. */
export interface Wear {
  readonly writtenBytes: number;
  readonly writes: number;
  readonly flushes: number;
}

const PROGRAM = "qemu-system-aarch64";
/** As much of a Zero 2 W as QEMU has. */
export const MACHINE = ["-M", "virt", "-cpu", "cortex-a53", "-smp", "2", "-m", "512"];

export class Pi {
  readonly qmp: Qmp;
  readonly bootMs: number;
  readonly #qemu: Qemu;
  readonly #commands: CommandChannel;

  private constructor(qemu: Qemu, commands: CommandChannel, qmp: Qmp, bootMs: number) {
    this.#qemu = qemu;
    this.#commands = commands;
    this.qmp = qmp;
    this.bootMs = bootMs;
  }

  /** Resolves as soon as commands can be given, which is before the agent is ready. */
  static async boot(card: Card, parent: string, options: PiOptions = {}): Promise<Pi> {
    const startedMs = performance.now();
    // QEMU opens it and does not make it.
    if (options.recordWrites !== undefined) await writeFile(options.recordWrites, "");
    const { kernel, initrd, commandLine } = await card.bootFiles();
    const qemu = await Qemu.start(PROGRAM, parent, (folder) => [
      ...[...MACHINE, "-nodefaults", "-no-reboot", "-display", "none"],
      ...["-serial", `file:${folder}/console.log`],
      ...["-kernel", kernel, "-initrd", initrd, "-append", extend(commandLine, options)],
      ...machineArguments(folder, options),
      ...diskArguments(card.path, options.recordWrites),
      ...networkArguments(options.brokerPort),
      ...usbArguments(folder, options),
    ]);
    try {
      const qmp = await Qmp.open(await qemu.dial("qmp"));
      const commands = await qemu.commands(PATIENCE_MS);
      return new Pi(qemu, commands, qmp, performance.now() - startedMs);
    } catch (cause) {
      await qemu.close();
      throw cause;
    }
  }

  /** Runs a shell command as root; several may run at once. */
  run(command: string): Promise<Outcome> {
    return this.#commands.run(command);
  }

  /** The output of a command that must succeed. */
  ask(command: string): Promise<string> {
    return this.#commands.ask(command);
  }

  /** Asks again and again until the command succeeds; its output. */
  async until(command: string): Promise<string> {
    return await this.ask(`until ${command}; do sleep 0.3; done`);
  }

  /** What an emulated device plugs itself into, or the far end of a serial line. */
  port(name: string): string {
    return this.#qemu.socket(name);
  }

  file(name: string): string {
    return this.#qemu.file(name);
  }

  log(): Promise<string> {
    return this.#qemu.log();
  }

  async wear(): Promise<Wear> {
    const stats = (await this.qmp.ask("query-blockstats")) as {
      readonly stats: { wr_bytes: number; wr_operations: number; flush_operations: number };
    }[];
    const [{ wr_bytes = 0, wr_operations = 0, flush_operations = 0 } = {}] = stats.map(({ stats }) => stats);
    return { writtenBytes: wr_bytes, writes: wr_operations, flushes: flush_operations };
  }

  /** The plug is pulled. */
  async cutPower(): Promise<void> {
    this.#commands.close();
    this.qmp.close();
    await this.#qemu.cutPower();
  }

  async close(): Promise<void> {
    await this.cutPower();
    await this.#qemu.close();
  }
}

function extend(commandLine: string, { append = "" }: PiOptions): string {
  const own = commandLine
    .split(/\s+/)
    .filter((word) => !/^(console=|quiet$|root=\/dev\/mmcblk)/.test(word))
    .concat(/root=\/dev\/mmcblk0p(\d+)/.exec(commandLine)?.[1]?.replace(/^/, "root=/dev/vda") ?? []);
  return [...own, "console=ttyAMA0", "panic=-1", append, commandUnit()]
    .filter((word) => word !== "")
    .join(" ");
}

/** A unit that the image does not have, brought in by systemd's credentials (systemd.system-credentials(7)). */
function commandUnit(): string {
  const unit = readFileSync(new URL("commands.service", import.meta.url), "utf8").replace(/^#.*\n/gm, "");
  const name = "platen-lab.service";
  return `systemd.set_credential_binary=systemd.extra-unit.${name}:${Buffer.from(unit).toString("base64")} systemd.wants=${name}`;
}

function machineArguments(folder: string, { clock, deviceTree }: PiOptions): string[] {
  return [
    ...["-chardev", socketDevice(folder, "qmp"), "-mon", "chardev=qmp,mode=control"],
    ...["-device", "virtio-serial-pci", "-chardev", socketDevice(folder, "commands")],
    ...["-device", "virtserialport,chardev=commands,name=lab"],
    ...["-device", "virtio-rng-pci"],
    // A busy host makes the guest slow, but no second of its own shorter: an instruction takes 2 ns, about as on a Zero 2 W.
    ...["-icount", "shift=1"],
    ...["-rtc", `base=${clock?.toISOString().slice(0, 19) ?? "utc"},clock=vm`],
    // The pins' levels, each change with the host's time.
    ...["-trace", "pl061_set_output", "-trace", "pl061_update", "-msg", "timestamp=on"],
    ...(deviceTree === undefined ? [] : ["-dtb", deviceTree]),
  ];
}

function diskArguments(path: string, record: string | undefined): string[] {
  if (record !== undefined)
    return [...recordedDisk(path, record), "-device", "virtio-blk-pci,drive=recorded"];
  return [...disk(path), "-device", "virtio-blk-pci,drive=image"];
}

function disk(path: string): string[] {
  return [
    ...["-blockdev", `node-name=file,driver=file,filename=${path}`],
    ...["-blockdev", "node-name=image,driver=raw,file=file"],
  ];
}

/** QEMU's arguments for a disk, named `recorded`, of which every write and flush goes into `log` too. */
export function recordedDisk(path: string, log: string): string[] {
  return [
    ...disk(path),
    ...["-blockdev", `node-name=record,driver=file,filename=${log}`],
    ...["-blockdev", "node-name=recorded,driver=blklogwrites,file=image,log=record,log-sector-size=512"],
  ];
}

function networkArguments(brokerPort: number | undefined): string[] {
  const forward =
    brokerPort === undefined
      ? ""
      : `,guestfwd=tcp:${BROKER_ADDRESS}-cmd:socat STDIO TCP:localhost:${brokerPort}`;
  return ["-netdev", `user,id=net,restrict=on${forward}`, "-device", "virtio-net-pci,netdev=net,romfile="];
}

function usbArguments(folder: string, { ports = [], lines = [] }: PiOptions): string[] {
  return [
    // Ports enough, or QEMU puts a hub in between.
    ...["-device", "nec-usb-xhci,p2=8,p3=8"],
    ...ports.flatMap((name) => [
      ...["-chardev", socketDevice(folder, name), "-device", `usb-redir,chardev=${name},id=${name}`],
    ]),
    ...lines.flatMap((name) => [
      ...[
        "-chardev",
        socketDevice(folder, name),
        "-device",
        `usb-serial,chardev=${name},id=${name},always-plugged=on`,
      ],
    ]),
  ];
}
