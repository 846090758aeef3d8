/** The search: many needles in many files at once, and in everything that is packed in them. */
import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { openContainers } from "./containers.ts";
import type { Needle } from "./needles.ts";

const DEPTH_MAX = 4;

export interface Trace {
  readonly file: string;
  readonly what: string;
  /** `hex in gzip` ... */
  readonly how: string;
  readonly at: number;
}

export interface Haul {
  readonly files: number;
  readonly bytes: number;
  /** Pieces that opened, and were searched too. */
  readonly opened: number;
  readonly traces: readonly Trace[];
}

export class Hunt {
  readonly #byHead = new Map<number, Needle[]>();
  /** One bit for each beginning of three bytes. */
  readonly #begins = new Uint8Array(2 ** 21);

  constructor(needles: readonly Needle[]) {
    for (const needle of needles) {
      const head = needle.bytes.readUInt32BE(0);
      this.#byHead.set(head, [...(this.#byHead.get(head) ?? []), needle]);
      const begin = head >>> 8;
      this.#begins[begin >> 3] = (this.#begins[begin >> 3] as number) | (1 << (begin & 7));
    }
  }

  /** Every file under the folders; links are not followed. */
  searchFolders(folders: readonly string[]): Haul {
    const traces: Trace[] = [];
    const total = { files: 0, bytes: 0, opened: 0 };
    for (const file of folders.flatMap(listFiles)) {
      const content = readFileSync(file);
      const haul = this.searchBytes(content, file);
      total.files++;
      total.bytes += content.length;
      total.opened += haul.opened;
      traces.push(...haul.traces);
    }
    return { ...total, traces };
  }

  searchBytes(content: Buffer, file: string): { opened: number; traces: Trace[] } {
    const traces: Trace[] = [];
    let opened = 0;
    const look = (bytes: Buffer, path: string, depth: number) => {
      for (const { needle, at } of this.#scan(bytes))
        traces.push({ file, what: needle.what, how: `${needle.how}${path}`, at });
      if (depth === DEPTH_MAX) return;
      for (const inner of openContainers(bytes)) {
        opened++;
        look(inner.bytes, ` in ${inner.how}${path}`, depth + 1);
      }
    };
    look(content, "", 0);
    return { opened, traces };
  }

  /** What is found in the bytes as they are, packed or not: for what is too large to be opened everywhere. */
  searchPlain(content: Buffer): string[] {
    return [...new Set([...this.#scan(content)].map(({ needle }) => needle.what))];
  }

  *#scan(content: Buffer): Generator<{ needle: Needle; at: number }> {
    let window = ((content[0] ?? 0) << 8) | (content[1] ?? 0);
    for (let at = 0; at + 4 <= content.length; at++) {
      window = ((window << 8) | (content[at + 2] as number)) & 0xffffff;
      if (((this.#begins[window >> 3] as number) & (1 << (window & 7))) === 0) continue;
      const head = ((window << 8) | (content[at + 3] as number)) >>> 0;
      for (const needle of this.#byHead.get(head) ?? []) {
        const end = at + needle.bytes.length;
        if (end <= content.length && content.compare(needle.bytes, 0, needle.bytes.length, at, end) === 0)
          yield { needle, at };
      }
    }
  }
}

export function listFiles(path: string): string[] {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat?.isFile()) return [path];
  if (!stat?.isDirectory()) return [];
  return readdirSync(path).flatMap((name) => listFiles(join(path, name)));
}
