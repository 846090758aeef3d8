/** The folder of part files, one per job, and which of them are open. */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { syncFolder } from "../wire/durable-file.ts";
import { type JobRef, jobKey } from "../wire/name.ts";
import { PartFile } from "./part-file.ts";

/** No job's key begins with it. */
const GONE = "gone.";

interface OpenFile {
  readonly file: PartFile;
  usedAtMs: number;
}

/** Owns the open files: `close` ends them. */
export class PartStore {
  readonly #folder: string;
  readonly #open = new Map<string, OpenFile>();
  readonly #removals = new Set<Promise<void>>();
  readonly #now: () => number;

  /** @param now milliseconds, of any clock that runs */
  constructor(folder: string, now: () => number) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#folder = folder;
    this.#now = now;
  }

  get folder(): string {
    return this.#folder;
  }

  /** Begins a job's file anew. Throws what `fs` throws. */
  create(ref: JobRef): PartFile {
    return this.#keep(jobKey(ref), PartFile.create(this.#path(jobKey(ref))));
  }

  /** The job's file, or null when it has none. `verify` as for {@link PartFile.open}, where it is not open yet. */
  get(ref: JobRef, verify = false): PartFile | null {
    const key = jobKey(ref);
    const open = this.#open.get(key);
    if (open) {
      open.usedAtMs = this.#now();
      return open.file;
    }
    return existsSync(this.#path(key)) ? this.#keep(key, PartFile.open(this.#path(key), verify)) : null;
  }

  /** Makes a job's file durable: its bytes, and its name in the folder. */
  async sync(ref: JobRef): Promise<void> {
    await this.get(ref)?.sync();
    syncFolder(this.#folder);
  }

  /** The job has no file from now on; freeing a large one takes the disk a while, which nobody need wait for. */
  remove(ref: JobRef): void {
    const key = jobKey(ref);
    const open = this.#open.get(key);
    this.#open.delete(key);
    const gone = join(this.#folder, `${GONE}${key}`);
    if (existsSync(this.#path(key))) renameSync(this.#path(key), gone);
    const removal = Promise.resolve(open?.file.close())
      .then(() => rm(gone, { force: true }))
      // What cannot be removed now is an orphan at the next start.
      .catch(() => {})
      .finally(() => this.#removals.delete(removal));
    this.#removals.add(removal);
  }

  /** Lets go of files nobody used for `idleMs`; they open again when asked for. */
  async closeIdle(idleMs: number): Promise<void> {
    const before = this.#now() - idleMs;
    const idle = [...this.#open].filter(([, { usedAtMs }]) => usedAtMs < before);
    for (const [key] of idle) this.#open.delete(key);
    await Promise.all(idle.map(([, { file }]) => file.close()));
  }

  /** Removes every file that `isWanted` does not know; how many there were. */
  removeOrphans(isWanted: (key: string) => boolean): number {
    const orphans = readdirSync(this.#folder).filter((name) => !isWanted(name));
    for (const name of orphans) rmSync(join(this.#folder, name), { force: true, recursive: true });
    return orphans.length;
  }

  async close(): Promise<void> {
    const open = [...this.#open.values()];
    this.#open.clear();
    await Promise.all([...open.map(({ file }) => file.close()), ...this.#removals]);
  }

  #keep(key: string, file: PartFile): PartFile {
    this.#open.set(key, { file, usedAtMs: this.#now() });
    return file;
  }

  #path(key: string): string {
    return join(this.#folder, key);
  }
}
