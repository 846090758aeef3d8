/** The ledger: every change of every job, once. What `platen audit` shows. */
import type { JobRef } from "../wire/name.ts";
import type { Reason } from "../wire/reason.ts";
import type { JobState } from "../wire/state.ts";
import type { BrokerDatabase } from "./database.ts";
import type { AuditEntry, AuditQuery } from "./registry-port.ts";

export interface LedgerEntry extends JobRef {
  /** The event's own id: the same one twice is one entry. */
  readonly id: string;
  /** Null: the broker's own. */
  readonly agent: string | null;
  readonly target: string;
  readonly state: JobState;
  readonly reason: Reason | null;
  readonly printer: string | null;
  readonly bytes: number | null;
  /** Unix seconds: the teller's clock, and the broker's. */
  readonly at: number;
  readonly receivedAt: number;
}

/** Of one job at one agent: a week of tries on a full disk stays below. */
const EVENTS_MAX = 2000;

export class Ledger {
  readonly #insert;
  readonly #count;
  readonly #query;
  readonly #purge;

  constructor(database: BrokerDatabase) {
    this.#insert = database.prepare(
      `INSERT OR IGNORE INTO events (id, agent, user, job, target, state, reason, printer, bytes, at, received_at)
       VALUES (@id, @agent, @user, @job, @target, @state, @reason, @printer, @bytes, @at, @receivedAt)`,
    );
    this.#count = database
      .prepare<[string, string, string], number>(
        `SELECT count(*) FROM (SELECT 1 FROM events WHERE user = ? AND job = ? AND agent = ? LIMIT ${EVENTS_MAX})`,
      )
      .pluck();
    this.#query = database.prepare<unknown[], AuditEntry>(
      `SELECT received_at AS at, user, job, target, printer, state, reason, bytes FROM events
       WHERE (@user IS NULL OR user = @user) AND (@printer IS NULL OR printer = @printer OR target = @printer)
         AND received_at >= @since
       ORDER BY seq DESC LIMIT @limit`,
    );
    this.#purge = database.prepare("DELETE FROM events WHERE received_at < ?");
  }

  /** False when the entry is there already. */
  record(entry: LedgerEntry): boolean {
    return this.#insert.run(entry).changes > 0;
  }

  /** True when an agent told more of a job than there is to tell. */
  isFull(agent: string, { user, job }: JobRef): boolean {
    return (this.#count.get(user, job, agent) ?? 0) >= EVENTS_MAX;
  }

  /** Newest first. */
  audit({ user, printer, since, limit }: AuditQuery): AuditEntry[] {
    return this.#query.all({
      user: user ?? null,
      printer: printer ?? null,
      since: since ?? 0,
      limit: Math.min(limit, 100_000),
    });
  }

  /** Forgets what is older than `before`; how much that was. */
  purge(before: number): number {
    return this.#purge.run(before).changes;
  }
}
