/** The SD card of a Pi: a copy of the image in a file, its partitions read and written without mounting anything. */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { extentOf, type PartitionName } from "../../deploy/image/layout.ts";

const run = promisify(execFile);
const SECTOR = 512;
/** A small card; the data partition grows into it. */
const CARD_BYTES = 1024 ** 3;

export interface Partition {
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}

export interface BootFiles {
  readonly kernel: string;
  readonly initrd: string;
  readonly commandLine: string;
}

export class Card {
  readonly path: string;
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
    this.path = join(folder, "card.img");
  }

  /** A card with the image on it and room behind it, in a folder of its own under `parent`. */
  static async flash(image: string, parent: string): Promise<Card> {
    const card = new Card(await mkdtemp(join(parent, "card-")));
    await run("cp", ["--sparse=always", "--reflink=auto", image, card.path]);
    const { size } = await stat(card.path);
    await truncate(card.path, Math.max(size, CARD_BYTES));
    return card;
  }

  /** As the partition table says now: the machine writes a new one at its first start. */
  async partition(name: PartitionName): Promise<Partition> {
    const { stdout } = await run("sfdisk", ["--json", this.path]);
    const { partitiontable } = JSON.parse(stdout) as {
      partitiontable: { partitions: { start: number; size: number }[] };
    };
    const found = partitiontable.partitions[extentOf(name).number - 1];
    if (found === undefined) throw new Error(`the card has no partition ${name}`);
    return { offsetBytes: found.start * SECTOR, sizeBytes: found.size * SECTOR };
  }

  /** A second card with the same content. Nobody may be writing to this one. */
  copy(parent: string): Promise<Card> {
    return Card.flash(this.path, parent);
  }

  /** Puts a file on the partition that any computer can open. */
  async writeBoot(name: string, content: string | Uint8Array): Promise<void> {
    const source = join(this.#folder, "in");
    await writeFile(source, content);
    await run("mcopy", ["-o", "-i", await this.#bootDrive(), source, `::/${name}`]);
  }

  /** Null where there is no such file. */
  async readBoot(name: string): Promise<string | null> {
    try {
      return (await run("mtype", ["-i", await this.#bootDrive(), `::/${name}`])).stdout;
    } catch {
      return null;
    }
  }

  async listBoot(): Promise<string[]> {
    const { stdout } = await run("mdir", ["-b", "-i", await this.#bootDrive(), "::/"]);
    return stdout
      .split("\n")
      .map((line) => line.replace(/^::\//, ""))
      .filter((name) => name !== "");
  }

  /** What the Pi's own firmware would load, taken from the card as it would: `config.txt` names it. */
  async bootFiles(): Promise<BootFiles> {
    const config = (await this.readBoot("config.txt")) ?? "";
    const named = (pattern: RegExp, otherwise: string): string => pattern.exec(config)?.[1] ?? otherwise;
    const [kernel, initrd, commandLine] = await Promise.all([
      this.fetchBoot(named(/^kernel=(\S+)/m, "vmlinuz")),
      this.fetchBoot(named(/^initramfs[ =](\S+)/m, "initrd.img")),
      this.readBoot(named(/^cmdline=(\S+)/m, "cmdline.txt")),
    ]);
    return { kernel, initrd, commandLine: commandLine?.trim() ?? "" };
  }

  /** Copies a file of the partition that any computer can open; the copy's path. */
  async fetchBoot(name: string): Promise<string> {
    const path = join(this.#folder, name.replaceAll("/", "-"));
    await run("mcopy", ["-n", "-o", "-i", await this.#bootDrive(), `::/${name}`, path]);
    return path;
  }

  /** What lies there, in a file of its own. */
  async extract({ offsetBytes, sizeBytes }: Partition, path: string): Promise<void> {
    await run("dd", [
      ...[`if=${this.path}`, `of=${path}`, "bs=64K", "conv=sparse", "status=none"],
      ...["iflag=skip_bytes,count_bytes", `skip=${offsetBytes}`, `count=${sizeBytes}`],
    ]);
  }

  /** Whether these bytes lie anywhere on the card. */
  async holds(bytes: Uint8Array): Promise<boolean> {
    return (await readFile(this.path)).includes(Buffer.from(bytes));
  }

  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #bootDrive(): Promise<string> {
    return `${this.path}@@${(await this.partition("boot")).offsetBytes}`;
  }
}
