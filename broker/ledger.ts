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
  /** Where `bytes` is the least of what the printer took, the most; else null. */
  readonly bytesAtMost: number | null;
  /** Of a second copy. */
  readonly again: boolean;
  /** Says again what stands there already: counted once by its id, and not shown. */
  readonly isRepeat: boolean;
  /** Unix seconds: the teller's clock, and the broker's. */
  readonly at: number;
  readonly receivedAt: number;
}

interface AuditRow extends Omit<AuditEntry, "again"> {
  readonly again: number;
  readonly seq: number;
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
      `INSERT OR IGNORE INTO events (id, agent, user, job, target, state, reason, printer, bytes, bytes_at_most,
         again, is_repeat, at, received_at)
       VALUES (@id, @agent, @user, @job, @target, @state, @reason, @printer, @bytes, @bytesAtMost, @again, @isRepeat,
         @at, @receivedAt)`,
    );
    this.#count = database
      .prepare<[string, string, string], number>(
        `SELECT count(*) FROM (SELECT 1 FROM events WHERE user = ? AND job = ? AND agent = ? LIMIT ${EVENTS_MAX})`,
      )
      .pluck();
    this.#query = database.prepare<unknown[], AuditRow>(
      `SELECT received_at AS at, user, job, target, printer, state, reason, bytes, bytes_at_most AS bytesAtMost, again,
         seq FROM events
       WHERE is_repeat = 0 AND (@user IS NULL OR user = @user)
         AND (@printer IS NULL OR printer = @printer OR target = @printer) AND received_at >= @since
       UNION ALL
       SELECT at, NULL, NULL, agent, NULL, kind, NULL, NULL, NULL, 0, seq FROM incidents
       WHERE @user IS NULL AND (@printer IS NULL OR agent = (SELECT agent FROM printers WHERE name = @printer))
         AND at >= @since
       ORDER BY at DESC, seq DESC LIMIT @limit`,
    );
    this.#purge = database.prepare("DELETE FROM events WHERE received_at < ?");
  }

  /** False when the entry is there already. */
  record(entry: LedgerEntry): boolean {
    const flags = { again: entry.again ? 1 : 0, isRepeat: entry.isRepeat ? 1 : 0 };
    return this.#insert.run({ ...entry, ...flags }).changes > 0;
  }

  /** True when an agent told more of a job than there is to tell. */
  isFull(agent: string, { user, job }: JobRef): boolean {
    return (this.#count.get(user, job, agent) ?? 0) >= EVENTS_MAX;
  }

  /** Newest first. */
  audit({ user, printer, since, limit }: AuditQuery): AuditEntry[] {
    const rows = this.#query.all({
      user: user ?? null,
      printer: printer ?? null,
      since: since ?? 0,
      limit: Math.min(limit, 100_000),
    });
    return rows.map(({ seq: _, again, ...entry }) => ({ ...entry, again: again === 1 }));
  }

  /** Forgets what is older than `before`; how much that was. */
  purge(before: number): number {
    return this.#purge.run(before).changes;
  }
}
