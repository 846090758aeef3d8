/** Claim codes and invites: made once, shown once, good once. The database knows only the SHA-256 of their secret. */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { decodeBase64Url } from "../wire/base64.ts";
import { type CodeKind, type FirstContact, formatCode } from "../wire/code.ts";
import type { BrokerDatabase } from "./database.ts";
import type { Codes } from "./registry-port.ts";

const SECRET_BYTES = 16;
/** An answer that was lost is given again for so long after the code was used. */
const REPEAT_S = 3600;
const CODE_ID = /^[0-9a-f]{16}$/;

/** What every code carries of this broker: address, CA, fleet key. */
export type ContactCard = Pick<FirstContact, "address" | "caFingerprint" | "fleet">;

export interface CodeRow {
  readonly id: string;
  /** The agent it enrols, or the user it invites. */
  readonly subject: string;
  /** Unix seconds; null while it is unused. */
  readonly usedAt: number | null;
}

export interface FreshCode {
  /** What the person copies. Nobody can show it again. */
  readonly code: string;
  /** Unix seconds. */
  readonly expires: number;
}

export class ContactCodes implements Codes {
  readonly #database: BrokerDatabase;
  readonly #lifetimes: Readonly<Record<CodeKind, number>>;
  readonly #card: () => ContactCard;
  readonly #now: () => number;

  /** @param lifetimes seconds a fresh code of each kind is good */
  constructor(
    database: BrokerDatabase,
    lifetimes: Readonly<Record<CodeKind, number>>,
    card: () => ContactCard,
    now: () => number,
  ) {
    this.#database = database;
    this.#lifetimes = lifetimes;
    this.#card = card;
    this.#now = now;
  }

  /** Makes a code and withdraws those made for the same subject before. */
  issue(kind: CodeKind, subject: string): FreshCode {
    const id = randomBytes(8).toString("hex");
    const secret = randomBytes(SECRET_BYTES);
    const expires = this.#now() + this.#lifetimes[kind];
    this.#database.transaction(() => {
      this.withdraw(kind, subject);
      this.#database
        .prepare("INSERT INTO contact_codes (id, kind, subject, secret_hash, expires) VALUES (?, ?, ?, ?, ?)")
        .run(id, kind, subject, hashSecret(secret), expires);
    })();
    return { code: formatCode({ kind, id, secret, ...this.#card() }), expires };
  }

  verify(kind: CodeKind, id: string, secret: string): boolean {
    const bytes = secret.length > 64 ? null : decodeBase64Url(secret);
    if (bytes?.length !== SECRET_BYTES || !CODE_ID.test(id)) return false;
    const row = this.#database
      .prepare("SELECT secret_hash FROM contact_codes WHERE kind = ? AND id = ?")
      .get(kind, id) as { secret_hash: Buffer } | undefined;
    const fits = timingSafeEqual(hashSecret(bytes), row?.secret_hash ?? Buffer.alloc(32));
    return fits && this.find(kind, id) !== null;
  }

  /** The code while it is good: unused and not too old, or used within the hour. */
  find(kind: CodeKind, id: string): CodeRow | null {
    const row = this.#database
      .prepare("SELECT id, subject, expires, used_at FROM contact_codes WHERE kind = ? AND id = ?")
      .get(kind, id) as { id: string; subject: string; expires: number; used_at: number | null } | undefined;
    if (!row) return null;
    const good = row.used_at === null ? this.#now() < row.expires : this.#now() < row.used_at + REPEAT_S;
    return good ? { id: row.id, subject: row.subject, usedAt: row.used_at } : null;
  }

  /** Call inside the transaction of what the code is used for. False when it is used already or gone. */
  use(id: string): boolean {
    const used = this.#database
      .prepare("UPDATE contact_codes SET used_at = ? WHERE id = ? AND used_at IS NULL")
      .run(this.#now(), id);
    return used.changes === 1;
  }

  withdraw(kind: CodeKind, subject: string): void {
    this.#database.prepare("DELETE FROM contact_codes WHERE kind = ? AND subject = ?").run(kind, subject);
  }

  /** Until when an unused code for the subject is good; null when none is out. Unix seconds. */
  pendingUntil(kind: CodeKind, subject: string): number | null {
    const row = this.#database
      .prepare(
        "SELECT max(expires) AS expires FROM contact_codes WHERE kind = ? AND subject = ? AND used_at IS NULL AND expires > ?",
      )
      .get(kind, subject, this.#now()) as { expires: number | null };
    return row.expires;
  }

  /** Forgets what can never be good again. */
  sweep(): void {
    this.#database
      .prepare("DELETE FROM contact_codes WHERE coalesce(used_at + ?, expires) <= ?")
      .run(REPEAT_S, this.#now());
  }
}

function hashSecret(secret: Uint8Array): Buffer {
  return createHash("sha256").update(secret).digest();
}
