/**
 * The secrets, in memory only: the device's own, and the shares of held jobs. With what the card holds they open a
 * job's record; without them the card holds nothing (docs/protocol.md, "Release").
 */
import { createHmac, hkdfSync } from "node:crypto";
import type { EscrowShare } from "../wire/agent-call.ts";
import { encodeBase64 } from "../wire/base64.ts";
import { type JobRef, jobKey, jobKeyBytes } from "../wire/name.ts";
import { decodeRecord, encodeRecord, type JobRecord } from "./job-record.ts";
import type { KeeperSecrets } from "./keeper-port.ts";
import { openRecord, sealRecord } from "./record-cipher.ts";

const TAG_BYTES = 16;
const SHARE_BYTES = 32;

/** What lies in memory and at the escrow for one attempt at a job. `expires` in Unix seconds. */
export interface Share extends JobRef {
  readonly attempt: string;
  readonly tag: Uint8Array;
  readonly share: Uint8Array;
  readonly expires: number;
}

/** What a record is bound to beside its key. */
export interface RecordTerms extends JobRef {
  readonly target: string;
  readonly sealedExpires: number;
  readonly sealedBytes: number;
}

export class Vault {
  readonly #tagKey: Uint8Array;
  readonly #seenKey: Uint8Array;
  readonly #secrets: KeeperSecrets;
  readonly #shares = new Map<string, Share>();

  constructor(secrets: KeeperSecrets) {
    this.#secrets = secrets;
    this.#tagKey = derive(secrets.deviceSecret, "", "platen/tag/v1");
    this.#seenKey = derive(secrets.deviceSecret, "", "platen/seen/v1");
  }

  get identity(): string {
    return this.#secrets.identity;
  }

  get salt(): Uint8Array {
    return this.#secrets.deviceSalt;
  }

  /** HMAC-SHA-256(K_tag, st || id), its first 16 bytes. */
  tag(st: Uint8Array, ref: JobRef): Uint8Array {
    return createHmac("sha256", this.#tagKey)
      .update(st)
      .update(jobKeyBytes(ref))
      .digest()
      .subarray(0, TAG_BYTES);
  }

  /** What is kept of a file key to know it again; says nothing without the device secret. */
  seenHash(fileKey: Uint8Array): Uint8Array {
    return createHmac("sha256", this.#seenKey).update(fileKey).digest();
  }

  /** A fresh S. */
  drawShare(): Uint8Array {
    return crypto.getRandomValues(new Uint8Array(SHARE_BYTES));
  }

  /** Seals a record. Wipes nothing; `share` must be fresh. */
  seal(record: JobRecord, terms: RecordTerms, share: Uint8Array, st: Uint8Array): Uint8Array {
    const key = deriveKek(terms, share, st);
    const plain = encodeRecord(record);
    try {
      return sealRecord(key, encodeTerms(terms), plain);
    } finally {
      key.fill(0);
      plain.fill(0);
    }
  }

  /** Null when the key is wrong or anything it is bound to differs. */
  open(sealed: Uint8Array, terms: RecordTerms, share: Uint8Array, st: Uint8Array): JobRecord | null {
    const key = deriveKek(terms, share, st);
    const plain = openRecord(key, encodeTerms(terms), sealed);
    key.fill(0);
    if (!plain) return null;
    const record = decodeRecord(plain);
    plain.fill(0);
    return record;
  }

  hold(share: Share): void {
    this.drop(share);
    this.#shares.set(jobKey(share), share);
  }

  share(ref: JobRef): Share | null {
    return this.#shares.get(jobKey(ref)) ?? null;
  }

  /** Wipes a job's share. Idempotent. */
  drop(ref: JobRef): void {
    const key = jobKey(ref);
    this.#shares.get(key)?.share.fill(0);
    this.#shares.delete(key);
  }

  /** Every share, as the escrow takes it. */
  shares(): EscrowShare[] {
    return [...this.#shares.values()].map(toEscrow);
  }

  wipe(): void {
    for (const share of [...this.#shares.values()]) this.drop(share);
    for (const key of [this.#tagKey, this.#seenKey, this.#secrets.deviceSecret, this.#secrets.deviceSalt])
      key.fill(0);
  }
}

/** As it goes over the wire. */
export function toEscrow(share: Share): EscrowShare {
  return {
    user: share.user,
    job: share.job,
    attempt: share.attempt,
    tag: encodeBase64(share.tag),
    share: encodeBase64(share.share),
    expires: share.expires,
  };
}

function derive(key: Uint8Array, salt: Uint8Array | "", info: string): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", key, salt, info, 32));
}

/** HKDF-SHA-256(S || st, salt = id, info = "platen/kek/v1/" || target). */
function deriveKek(terms: RecordTerms, share: Uint8Array, st: Uint8Array): Uint8Array {
  const input = Buffer.concat([share, st]);
  try {
    return derive(input, jobKeyBytes(terms), `platen/kek/v1/${terms.target}`);
  } finally {
    input.fill(0);
  }
}

/** The additional data: id (length-prefixed), expires, ciphertext length; big-endian. */
function encodeTerms(terms: RecordTerms): Uint8Array {
  const id = jobKeyBytes(terms);
  const fixed = Buffer.alloc(2 + id.length + 16);
  fixed.writeUInt16BE(id.length, 0);
  fixed.set(id, 2);
  fixed.writeBigUInt64BE(BigInt(terms.sealedExpires), 2 + id.length);
  fixed.writeBigUInt64BE(BigInt(terms.sealedBytes), 10 + id.length);
  return fixed;
}
