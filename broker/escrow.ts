/**
 * The escrow: shares `S` of held jobs, by (agent, user, job, attempt), given out for the right tag. Insert-only;
 * dropping covers all attempts and leaves a tombstone. What is secret lies in the slot file alone and is read from
 * there for each question, never kept.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import type { CallBody, EscrowShare, ReplyBody } from "../wire/agent-call.ts";
import { type JobRef, jobKey } from "../wire/name.ts";
import { Bucket } from "./bucket.ts";
import { decodeRecord, type EscrowRecord, encodeRecord, toRecord } from "./escrow-record.ts";
import type { SlotFile } from "./slot-file.ts";
import type { Tombstones } from "./tombstones.ts";

/** As at the keypad (docs: tries): 5 wrong entries, one back per 2 minutes. */
const TRIES = 5;
const TRY_BACK_MS = 120_000;
/** An agent arrives at a job again after a crash; more often than this is no honest one. */
const ATTEMPTS_MAX = 16;
/** A right tag excuses the wrong ones asked with it (other people's jobs) this often: once a restart, with some to spare. */
const EXCUSES_MAX = 3;
/**
 * And so many in all, one back per {@link TRY_BACK_MS}: enough for everyone who comes after a restart. Whoever has a
 * stolen certificate can put shares of their own and excuse guesses with them.
 */
const EXCUSES_PER_AGENT = 30;
/** An agent whose answer was lost asks the same again: that is one try. */
const REPEATS_KEPT = 8;

type PutResult = ReplyBody<"put">["results"][number];
type Ask = CallBody<"ask">["asks"][number];

interface Entry {
  readonly slot: number;
  readonly expires: number;
  handedOut: number;
}

interface Trier {
  readonly bucket: Bucket;
  readonly excuses: Bucket;
  readonly recent: string[];
}

export interface EscrowOptions {
  readonly slots: SlotFile;
  readonly tombstones: Tombstones;
  /** A clock that never goes back. */
  readonly monotonicMs: () => number;
}

export class Escrow {
  readonly #slots: SlotFile;
  readonly #tombstones: Tombstones;
  readonly #monotonicMs: () => number;
  /** By agent and job, then by attempt. */
  readonly #entries = new Map<string, Map<string, Entry>>();
  readonly #triers = new Map<string, Trier>();

  /** Reads the slot file; damaged slots are empty ones. */
  constructor({ slots, tombstones, monotonicMs }: EscrowOptions) {
    this.#slots = slots;
    this.#tombstones = tombstones;
    this.#monotonicMs = monotonicMs;
    for (const { slot, record } of slots.entries()) {
      const decoded = decodeRecord(record);
      if (decoded) this.#index(decoded, slot);
      record.fill(0);
    }
  }

  /** Shares in escrow. */
  get size(): number {
    let size = 0;
    for (const attempts of this.#entries.values()) size += attempts.size;
    return size;
  }

  /** Whether any attempt of the job has a share here. */
  has(agent: string, ref: JobRef): boolean {
    return [...(this.#entries.get(keyOf(agent, ref))?.values() ?? [])].some(({ slot }) => this.#read(slot));
  }

  /** Whose shares there are, to be compared with the jobs at a start. */
  *owners(): Iterable<JobRef & { readonly agent: string }> {
    for (const attempts of this.#entries.values()) {
      for (const { slot } of attempts.values()) {
        const record = this.#read(slot);
        if (record) yield { agent: record.agent, user: record.user, job: record.job };
        break;
      }
    }
  }

  /**
   * Puts shares. `stored` is durable; `ended` where a tombstone or `isOpen` refuses. Rejects with what `fs` throws
   * (`ENOSPC`); what was put by then stays and may be put again.
   */
  async put(
    agent: string,
    shares: readonly EscrowShare[],
    isOpen: (ref: JobRef) => boolean,
  ): Promise<PutResult[]> {
    const results = shares.map((share) =>
      isOpen(share) && !this.#tombstones.has(agent, share) ? this.#putOne(agent, share) : "ended",
    );
    if (results.includes("stored")) await this.#slots.sync();
    // Dropped while the disk was busy: then it is not there any more.
    return results.map((result, i) => {
      const { attempt, ...ref } = shares[i] as EscrowShare;
      return result === "stored" && !this.#find(agent, ref, attempt) ? "ended" : result;
    });
  }

  /**
   * Null for each wrong tag or missing share; `retryAfter` (seconds) instead when the tries are used up. One entry at a
   * keypad makes one tag for each job: of a job that is asked for twice nothing is given, or a call would be many guesses.
   */
  ask(agent: string, asks: readonly Ask[]): { shares: (string | null)[] } | { retryAfter: number } {
    const trier = this.#trierOf(agent);
    const isOneEntry = new Set(asks.map(jobKey)).size === asks.length;
    let excused = false;
    const shares = asks.map((each) => {
      const entry = isOneEntry ? this.#find(agent, each, each.attempt) : null;
      const record = entry && this.#read(entry.slot);
      const right = timingSafeEqual(record?.tag ?? Buffer.alloc(16), Buffer.from(each.tag, "base64"));
      if (!entry || !record || !right) return null;
      if (entry.handedOut++ < EXCUSES_MAX) excused = true;
      return record.share.toString("base64");
    });
    if (!shares.includes(null)) return { shares };
    if (excused && trier.excuses.take(this.#monotonicMs())) return { shares };
    const retryAfter = this.#charge(trier, asks);
    return retryAfter === 0 ? { shares } : { retryAfter };
  }

  /** Drops all attempts of these jobs at an agent, for ever. Durable when it resolves. */
  async drop(agent: string, refs: readonly JobRef[], at: number): Promise<void> {
    for (const ref of refs) {
      this.#tombstones.add(agent, ref, at);
      this.#clear(keyOf(agent, ref));
    }
    // Also where they were cleared before: that may have failed to reach the disk.
    await this.#slots.sync();
  }

  /** Drops what no `keep` holds. Durable when it resolves. */
  async dropWhere(isGone: (owner: JobRef & { readonly agent: string }) => boolean): Promise<void> {
    const gone = [...this.owners()].filter(isGone);
    for (const owner of gone) this.#clear(keyOf(owner.agent, owner));
    await this.#slots.sync();
  }

  /** Drops shares that expired before `before` (Unix seconds). Durable when it resolves. */
  async expire(before: number): Promise<void> {
    for (const [key, attempts] of this.#entries) {
      const live = [...attempts.values()].some(({ expires }) => expires >= before);
      if (!live) this.#clear(key);
    }
    await this.#slots.sync();
  }

  #putOne(agent: string, share: EscrowShare): PutResult {
    const record = toRecord(agent, share);
    const there = this.#find(agent, share, share.attempt);
    if (there) {
      const stored = this.#read(there.slot);
      const same = stored?.tag.equals(record.tag) === true && stored.share.equals(record.share);
      return same ? "stored" : "conflict";
    }
    if ((this.#entries.get(keyOf(agent, share))?.size ?? 0) >= ATTEMPTS_MAX) return "conflict";
    const bytes = encodeRecord(record);
    this.#index(record, this.#slots.write(bytes));
    bytes.fill(0);
    return "stored";
  }

  /** 0 when a try was left (or these asks were charged before), else the seconds until there is one. */
  #charge(trier: Trier, asks: readonly Ask[]): number {
    const now = this.#monotonicMs();
    const digest = createHash("sha256").update(JSON.stringify(asks)).digest("base64");
    if (trier.recent.includes(digest)) return 0;
    if (!trier.bucket.take(now)) return trier.bucket.waitSeconds(now);
    trier.recent.push(digest);
    if (trier.recent.length > REPEATS_KEPT) trier.recent.shift();
    return 0;
  }

  #trierOf(agent: string): Trier {
    const there = this.#triers.get(agent);
    if (there) return there;
    const now = this.#monotonicMs();
    const bucket = new Bucket(TRIES, TRY_BACK_MS, now);
    const trier = { bucket, excuses: new Bucket(EXCUSES_PER_AGENT, TRY_BACK_MS, now), recent: [] };
    this.#triers.set(agent, trier);
    return trier;
  }

  #find(agent: string, ref: JobRef, attempt: string): Entry | null {
    return this.#entries.get(keyOf(agent, ref))?.get(attempt) ?? null;
  }

  #read(slot: number): EscrowRecord | null {
    const bytes = this.#slots.read(slot);
    return bytes && decodeRecord(bytes);
  }

  #index(record: EscrowRecord, slot: number): void {
    const key = keyOf(record.agent, record);
    const attempts = this.#entries.get(key) ?? new Map<string, Entry>();
    this.#entries.set(key, attempts.set(record.attempt, { slot, expires: record.expires, handedOut: 0 }));
  }

  #clear(key: string): void {
    const attempts = this.#entries.get(key);
    for (const { slot } of attempts?.values() ?? []) this.#slots.clear(slot);
    this.#entries.delete(key);
  }
}

function keyOf(agent: string, ref: JobRef): string {
  return `${agent} ${jobKey(ref)}`;
}
