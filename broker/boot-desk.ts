/** Releases boot shares: once a session, so often and no more, with an alarm where an agent asks from somewhere new. */
import { encodeBase64 } from "../wire/base64.ts";
import { Bucket } from "./bucket.ts";
import type { BrokerDatabase } from "./database.ts";
import type { Log } from "./log.ts";
import type { BootShares } from "./registry-port.ts";

/** A Pi that is switched on and off all day stays below this; one that asks more is held up and shown. */
const RELEASES = 10;
const RELEASE_BACK_MS = 180_000;

export interface BootDeskOptions {
  readonly bootShares: BootShares;
  readonly addresses: BootAddresses;
  readonly log: Log;
  readonly monotonicMs: () => number;
}

/** Where agents started from before. Survives a restart of the broker. */
export class BootAddresses {
  readonly #known;
  readonly #insert;

  constructor(database: BrokerDatabase) {
    this.#known = database
      .prepare<[string], string>("SELECT address FROM boot_addresses WHERE agent = ?")
      .pluck();
    this.#insert = database.prepare("INSERT OR IGNORE INTO boot_addresses (agent, address) VALUES (?, ?)");
  }

  /** Remembers the address. True when the agent started before, but never from there. */
  isNew(agent: string, address: string): boolean {
    const known = this.#known.all(agent);
    if (known.includes(address)) return false;
    this.#insert.run(agent, address);
    return known.length > 0;
  }
}

export type BootOutcome =
  | { readonly share: string }
  | { readonly refused: "throttled" | "revoked" | "other-session"; readonly retryAfter?: number };

export class BootDesk {
  readonly #with: BootDeskOptions;
  readonly #buckets = new Map<string, Bucket>();
  readonly #released = new Set<string>();

  constructor(options: BootDeskOptions) {
    this.#with = options;
  }

  /** A new session of the agent: it may ask again. */
  reset(agent: string): void {
    this.#released.delete(agent);
  }

  release(agent: string, address: string): BootOutcome {
    const { bootShares, addresses, log, monotonicMs } = this.#with;
    const now = monotonicMs();
    // The same session already has it; whoever asks twice is not the program we know.
    if (this.#released.has(agent)) return this.#refuse(agent, address, { refused: "other-session" });
    const bucket = this.#buckets.get(agent) ?? new Bucket(RELEASES, RELEASE_BACK_MS, now);
    this.#buckets.set(agent, bucket);
    if (!bucket.take(now)) {
      return this.#refuse(agent, address, { refused: "throttled", retryAfter: bucket.waitSeconds(now) });
    }
    const share = bootShares.get(agent);
    if (!share) return this.#refuse(agent, address, { refused: "revoked" });
    if (addresses.isNew(agent, address)) log.write("boot-share-new-address", { agent, address });
    else log.write("boot-share-released", { agent, address });
    this.#released.add(agent);
    const text = encodeBase64(share);
    share.fill(0);
    return { share: text };
  }

  #refuse(agent: string, address: string, outcome: BootOutcome & { refused: string }): BootOutcome {
    this.#with.log.write("boot-share-refused", { agent, address, why: outcome.refused });
    return outcome;
  }
}
