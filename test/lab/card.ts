/** The SD card of a Pi: a copy of the image in a file, its partitions read and written without mounting anything. */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const SECTOR = 512;

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
  readonly partitions: readonly Partition[];
  readonly #folder: string;

  private constructor(folder: string, partitions: readonly Partition[]) {
    this.#folder = folder;
    this.path = join(folder, "card.img");
    this.partitions = partitions;
  }

  /** A card with the image on it, in a folder of its own under `parent`. */
  static async flash(image: string, parent: string): Promise<Card> {
    const folder = await mkdtemp(join(parent, "card-"));
    const path = join(folder, "card.img");
    await run("cp", ["--sparse=always", "--reflink=auto", image, path]);
    return new Card(folder, await readPartitions(path));
  }

  /** A second card with the same content. Nobody may be writing to this one. */
  copy(parent: string): Promise<Card> {
    return Card.flash(this.path, parent);
  }

  /** Puts a file on the partition that any computer can open. */
  async writeBoot(name: string, content: string | Uint8Array): Promise<void> {
    const source = join(this.#folder, "in");
    await writeFile(source, content);
    await run("mcopy", ["-o", "-i", this.#bootDrive(), source, `::/${name}`]);
  }

  /** Null where there is no such file. */
  async readBoot(name: string): Promise<string | null> {
    try {
      return (await run("mtype", ["-i", this.#bootDrive(), `::/${name}`])).stdout;
    } catch {
      return null;
    }
  }

  async listBoot(): Promise<string[]> {
    const { stdout } = await run("mdir", ["-b", "-i", this.#bootDrive(), "::/"]);
    return stdout
      .split("\n")
      .map((line) => line.replace(/^::\//, ""))
      .filter((name) => name !== "");
  }

  /** What the Pi's own firmware would load, taken from the card as it would: `config.txt` names it. */
  async bootFiles(): Promise<BootFiles> {
    const config = (await this.readBoot("config.txt")) ?? "";
    const [kernel, initrd] = await Promise.all([
      this.#fetch(/^kernel=(\S+)/m.exec(config)?.[1] ?? "vmlinuz"),
      this.#fetch(/^initramfs[ =](\S+)/m.exec(config)?.[1] ?? "initrd.img"),
    ]);
    return { kernel, initrd, commandLine: ((await this.readBoot("cmdline.txt")) ?? "").trim() };
  }

  /** A partition's content in a file of its own. */
  async extract(partition: number, path: string): Promise<void> {
    const { offsetBytes, sizeBytes } = this.#partition(partition);
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

  async #fetch(name: string): Promise<string> {
    const path = join(this.#folder, name.replaceAll("/", "-"));
    await run("mcopy", ["-n", "-o", "-i", this.#bootDrive(), `::/${name}`, path]);
    return path;
  }

  #bootDrive(): string {
    return `${this.path}@@${this.#partition(1).offsetBytes}`;
  }

  /** Counted from 1, as Linux does. */
  #partition(number: number): Partition {
    const partition = this.partitions[number - 1];
    if (partition === undefined) throw new Error(`the card has no partition ${number}`);
    return partition;
  }
}

async function readPartitions(path: string): Promise<Partition[]> {
  const { stdout } = await run("sfdisk", ["--json", path]);
  const { partitiontable } = JSON.parse(stdout) as {
    partitiontable: { partitions: { start: number; size: number }[] };
  };
  return partitiontable.partitions.map(({ start, size }) => ({
    offsetBytes: start * SECTOR,
    sizeBytes: size * SECTOR,
  }));
}
