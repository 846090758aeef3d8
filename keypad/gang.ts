import type { Source } from "./attachment.ts";

/** What a gang is made of. */
export interface Gang {
  /** What fits now, by a name that stays the same while it is plugged in. */
  find(): Promise<readonly string[]>;
  /** Null where it went meanwhile. Rejects with `KeypadError` where waiting would not help. */
  open(name: string): Promise<Source | null>;
}

/**
 * Every device that fits, as one source: what comes later joins, what goes leaves, and it ends with the last. Null
 * while there is none. Rejects where there are some and none can be opened.
 */
export async function openGang(gang: Gang, scanMs: number): Promise<Source | null> {
  const members = new Members(gang);
  await members.scan();
  if (members.isEmpty) return null;
  members.keepScanning(scanMs);
  return members;
}

class Members implements Source {
  readonly #gang: Gang;
  readonly #open = new Map<string, Source>();
  readonly #ended = Promise.withResolvers<void>();
  #timer: NodeJS.Timeout | undefined;
  #scanning: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(gang: Gang) {
    this.#gang = gang;
  }

  get isEmpty(): boolean {
    return this.#open.size === 0;
  }

  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  keepScanning(scanMs: number): void {
    this.#timer = setTimeout(() => {
      // One that is refused does not harm those that work; it is tried again.
      this.#scanning = this.scan().catch(() => undefined);
      void this.#scanning.then(() => {
        if (!this.#isClosed) this.keepScanning(scanMs);
      });
    }, scanMs);
  }

  async scan(): Promise<void> {
    let refusal: unknown = null;
    for (const name of await this.#gang.find()) {
      if (this.#open.has(name) || this.#isClosed) continue;
      try {
        const source = await this.#gang.open(name);
        if (source !== null) this.#add(name, source);
      } catch (cause) {
        refusal ??= cause;
      }
    }
    if (refusal !== null && this.isEmpty) throw refusal;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#scanning;
    await Promise.all([...this.#open.values()].map((source) => source.close()));
    this.#open.clear();
  }

  #add(name: string, source: Source): void {
    this.#open.set(name, source);
    void source.ended.then(async () => {
      await source.close();
      this.#open.delete(name);
      if (this.isEmpty) this.#ended.resolve();
    });
  }
}
