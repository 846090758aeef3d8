/**
 * Everything a folder held at any time somebody looked: of a file that changed, the blocks that were never there before,
 * with those beside them, so that nothing is lost that lies across.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { listFiles } from "./hunt.ts";

const LOOK_MS = 200;
const BLOCK_BYTES = 4096;

export class Samples {
  readonly #from: string;
  readonly #to: string;
  readonly #seen = new Set<string>();
  /** Size and time of each file when it was last read. */
  readonly #stamps = new Map<string, string>();
  readonly #timer: NodeJS.Timeout;
  #files = 0;

  constructor(from: string, to: string) {
    this.#from = from;
    this.#to = to;
    mkdirSync(to, { recursive: true });
    this.#timer = setInterval(() => this.look(), LOOK_MS);
  }

  look(): void {
    for (const file of listFiles(this.#from)) {
      try {
        const { size, mtimeMs } = statSync(file);
        const stamp = `${size} ${mtimeMs}`;
        if (this.#stamps.get(file) === stamp) continue;
        this.#stamps.set(file, stamp);
        this.#take(file, readFileSync(file));
      } catch {
        // Gone between the two looks: it had its turn before, or was never whole.
      }
    }
  }

  /** The last look, and no more. */
  stop(): void {
    clearInterval(this.#timer);
    this.look();
  }

  #take(file: string, content: Buffer): void {
    let begin: number | null = null;
    for (let at = 0; at <= content.length; at += BLOCK_BYTES) {
      const isNew = at < content.length && this.#isNew(content.subarray(at, at + BLOCK_BYTES));
      if (isNew) begin ??= at;
      else if (begin !== null) {
        const piece = content.subarray(Math.max(0, begin - BLOCK_BYTES), at + BLOCK_BYTES);
        writeFileSync(join(this.#to, `${this.#files++}-${basename(file)}`), piece);
        begin = null;
      }
    }
    if (begin !== null)
      writeFileSync(
        join(this.#to, `${this.#files++}-${basename(file)}`),
        content.subarray(Math.max(0, begin - BLOCK_BYTES)),
      );
  }

  #isNew(block: Buffer): boolean {
    const digest = createHash("sha256").update(block).digest("base64");
    if (this.#seen.has(digest)) return false;
    this.#seen.add(digest);
    return true;
  }
}
