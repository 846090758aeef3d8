/**
 * The half of each agent's identity that is not on its card: 32 bytes, in slots of a file outside SQLite and outside
 * backups. Dropped, it is overwritten where it lay, and the card is worth nothing.
 */
import type { BrokerDatabase } from "./database.ts";
import type { BootShares } from "./registry-port.ts";
import { SlotFile } from "./slot-file.ts";
import type { Warning } from "./warning.ts";

const BOOT_SHARE_BYTES = 32;
const COUNTER_BYTES = 6;

interface Place {
  readonly slot: number;
  readonly counter: number;
}

/** Record: counter(6) | share(32) | agent name. The higher counter is the newer share. */
export class BootShareFile implements BootShares {
  readonly #file: SlotFile;
  readonly #places = new Map<string, Place>();
  #counter = 0;

  /** Opens or creates the file, mode 0600. The caller closes it. */
  constructor(path: string) {
    this.#file = new SlotFile(path);
    for (const { slot, record } of this.#file.entries()) this.#adopt(slot, record);
  }

  get(agent: string): Uint8Array | null {
    const place = this.#places.get(agent);
    const record = place ? this.#file.read(place.slot) : null;
    return record ? Uint8Array.from(record.subarray(COUNTER_BYTES, COUNTER_BYTES + BOOT_SHARE_BYTES)) : null;
  }

  put(agent: string, share: Uint8Array): void {
    if (share.length !== BOOT_SHARE_BYTES) throw new RangeError("a boot share has 32 bytes");
    const counter = this.#counter + 1;
    const record = Buffer.alloc(COUNTER_BYTES + BOOT_SHARE_BYTES + agent.length);
    record.writeUIntBE(counter, 0, COUNTER_BYTES);
    record.set(share, COUNTER_BYTES);
    record.write(agent, COUNTER_BYTES + BOOT_SHARE_BYTES, "latin1");
    const slot = this.#file.write(record);
    record.fill(0);
    this.#file.syncNow();
    this.#counter = counter;
    // The old one goes after the new one is safe: a power cut in between leaves both, and the counter decides.
    const old = this.#places.get(agent);
    this.#places.set(agent, { slot, counter });
    if (old) this.#clear(old.slot);
  }

  drop(agent: string): void {
    const place = this.#places.get(agent);
    if (!place) return;
    this.#clear(place.slot);
    this.#places.delete(agent);
  }

  close(): void {
    this.#file.close();
  }

  #adopt(slot: number, record: Buffer): void {
    const counter = record.readUIntBE(0, COUNTER_BYTES);
    const agent = record.toString("latin1", COUNTER_BYTES + BOOT_SHARE_BYTES);
    this.#counter = Math.max(this.#counter, counter);
    const other = this.#places.get(agent);
    const stale = other && other.counter > counter ? slot : other?.slot;
    if (stale !== slot) this.#places.set(agent, { slot, counter });
    if (stale !== undefined) this.#clear(stale);
  }

  #clear(slot: number): void {
    this.#file.clear(slot);
    this.#file.syncNow();
  }
}

/** Enrolled agents whose share is not in the file (any more): they run on, but will not open again. */
export function warnOfShares(
  database: BrokerDatabase,
  shares: Pick<BootShares, "get">,
  now: number,
): Warning[] {
  const agents = database.prepare("SELECT name FROM agents WHERE state = 'enrolled' ORDER BY name").pluck();
  return (agents.all() as string[]).flatMap((name): Warning[] => {
    const share = shares.get(name);
    share?.fill(0);
    if (share) return [];
    const sentence = `The boot share of the agent “${name}” is lost: when that agent restarts, it does not open. Put boot-shares.slots back, or run: platen printer replace`;
    return [{ kind: "boot-share-lost", subject: name, at: now, sentence }];
  });
}
