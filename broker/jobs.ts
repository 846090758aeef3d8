/** The rows of jobs and of their copies at agents. */
import type Database from "better-sqlite3";
import type { JobRef } from "../wire/name.ts";
import type { Reason } from "../wire/reason.ts";
import type { JobState } from "../wire/state.ts";
import type { BrokerDatabase } from "./database.ts";
import type { CopyState } from "./job-state.ts";
import type { Target } from "./registry-port.ts";

export interface Job extends JobRef {
  readonly target: string;
  readonly state: JobState;
  readonly reason: Reason | null;
  /** When it last changed. All times are Unix seconds of the broker's clock. */
  readonly at: number;
  readonly createdAt: number;
  /** What `end` said; null before. */
  readonly parts: number | null;
  readonly bytes: number | null;
  readonly expiresSaid: number | null;
  readonly digest: Buffer | null;
  readonly expires: number;
  readonly otp: number;
  readonly isGroup: boolean;
  readonly claimedAgent: string | null;
  /** It came out there, unconfirmed, and may be printed there once more; also after its end. */
  readonly deliveredAgent: string | null;
  readonly wish: Reason | null;
  readonly endedAt: number | null;
  /** Its status is not to be seen (any more). */
  readonly isHidden: boolean;
}

export interface Copy extends JobRef, CopyState {
  readonly agent: string;
  readonly printers: readonly string[];
  /** The one of them that took it. */
  readonly printer: string | null;
  /** Unix seconds: while its OTP prints it again. */
  readonly until: number | null;
  /** What it is now is a second copy. */
  readonly again: boolean;
  /** As last told. */
  readonly bytes: number | null;
  readonly bytesAtMost: number | null;
}

/** What an agent's word changes of its copy. */
export type CopyChange = CopyState & Pick<Copy, "printer" | "until" | "again" | "bytes" | "bytesAtMost">;

/** What may be changed of a job's row. */
export type JobChange = Partial<
  Pick<
    Job,
    | "state"
    | "reason"
    | "at"
    | "parts"
    | "bytes"
    | "expiresSaid"
    | "expires"
    | "claimedAgent"
    | "deliveredAgent"
    | "wish"
    | "endedAt"
  >
>;

const COLUMNS: Readonly<Record<keyof JobChange, string>> = {
  state: "state",
  reason: "reason",
  at: "at",
  parts: "parts",
  bytes: "bytes",
  expiresSaid: "expires_said",
  expires: "expires",
  claimedAgent: "claimed_agent",
  deliveredAgent: "delivered_agent",
  wish: "wish",
  endedAt: "ended_at",
};

const JOB = `SELECT user, job, target, state, reason, at, created_at AS createdAt, parts, bytes,
  expires_said AS expiresSaid, digest, expires, otp, is_group AS isGroup, claimed_agent AS claimedAgent,
  delivered_agent AS deliveredAgent, wish,
  ended_at AS endedAt, status_cleared AS isHidden FROM jobs`;
const COPY = `SELECT user, job, agent, printers, state, reason, printer, final, until, again, bytes,
  bytes_at_most AS bytesAtMost FROM copies`;

type Row = Record<string, unknown>;
type Statement = Database.Statement<unknown[]>;

/** Statements are prepared once; every change is one transaction, on the disk when the call returns. */
export class Jobs {
  readonly #database: BrokerDatabase;
  readonly #statements = new Map<string, Statement>();

  constructor(database: BrokerDatabase) {
    this.#database = database;
  }

  get(ref: JobRef): Job | null {
    const row = this.#prepare(`${JOB} WHERE user = ? AND job = ?`).get(ref.user, ref.job);
    return row ? toJob(row as Row) : null;
  }

  copiesOf(ref: JobRef): Copy[] {
    return this.#prepare(`${COPY} WHERE user = ? AND job = ?`).all(ref.user, ref.job).map(toCopy);
  }

  copyAt(agent: string, ref: JobRef): Copy | null {
    const sql = `${COPY} WHERE user = ? AND job = ? AND agent = ?`;
    const row = this.#prepare(sql).get(ref.user, ref.job, agent);
    return row ? toCopy(row) : null;
  }

  /** The copies of which the agent has more to tell. */
  openCopiesAt(agent: string): Copy[] {
    return this.#prepare(`${COPY} WHERE agent = ? AND final = 0`).all(agent).map(toCopy);
  }

  /** Jobs that have not ended, of one user or of all. */
  live(user?: string): Job[] {
    const rows =
      user === undefined
        ? this.#prepare(`${JOB} WHERE ended_at IS NULL`).all()
        : this.#prepare(`${JOB} WHERE user = ? AND ended_at IS NULL`).all(user);
    return rows.map((row) => toJob(row as Row));
  }

  /** Those that wait to be printed: what came out waits for nobody. */
  countWaiting(user: string): number {
    const sql = "SELECT count(*) FROM jobs WHERE user = ? AND ended_at IS NULL AND delivered_agent IS NULL";
    return this.#count(sql, user);
  }

  countSince(user: string, since: number): number {
    return this.#count("SELECT count(*) FROM jobs WHERE user = ? AND created_at > ?", user, since);
  }

  /** Jobs whose status is still to be seen. */
  withStatus(): Job[] {
    return this.#prepare(`${JOB} WHERE status_cleared = 0`)
      .all()
      .map((row) => toJob(row as Row));
  }

  insert(job: Job, copies: readonly Pick<Copy, "agent" | "printers">[]): void {
    this.transact(() => {
      this.#prepare(
        `INSERT INTO jobs (user, job, target, state, reason, at, created_at, parts, bytes, expires_said, digest,
          expires, otp, is_group, claimed_agent, wish, ended_at)
         VALUES (@user, @job, @target, @state, @reason, @at, @createdAt, @parts, @bytes, @expiresSaid, @digest,
          @expires, @otp, @isGroup, @claimedAgent, @wish, @endedAt)`,
      ).run({ ...job, isGroup: job.isGroup ? 1 : 0, isHidden: null });
      for (const { agent, printers } of copies) {
        this.#prepare(
          "INSERT INTO copies (user, job, agent, printers, state) VALUES (?, ?, ?, ?, 'stored')",
        ).run(job.user, job.job, agent, JSON.stringify(printers));
      }
    });
  }

  change(ref: JobRef, change: JobChange): void {
    const fields = Object.keys(change) as (keyof JobChange)[];
    const set = fields.map((field) => `${COLUMNS[field]} = @${field}`).join(", ");
    this.#prepare(`UPDATE jobs SET ${set} WHERE user = @user AND job = @job`).run({
      ...change,
      user: ref.user,
      job: ref.job,
    });
  }

  changeCopy(agent: string, { user, job }: JobRef, copy: CopyChange): void {
    const { state, reason, printer, until, bytes, bytesAtMost } = copy;
    const flags = { final: copy.final ? 1 : 0, again: copy.again ? 1 : 0 };
    this.#prepare(
      `UPDATE copies SET state = @state, reason = @reason, printer = @printer, final = @final, until = @until,
         again = @again, bytes = @bytes, bytes_at_most = @bytesAtMost
       WHERE user = @user AND job = @job AND agent = @agent`,
    ).run({ agent, user, job, state, reason, printer, until, bytes, bytesAtMost, ...flags });
  }

  /** Ended before `before` and still shown: these from now on are not. */
  clearStatuses(before: number): JobRef[] {
    const sql = "WHERE ended_at < ? AND status_cleared = 0";
    const refs = this.#prepare(`SELECT user, job FROM jobs ${sql}`).all(before) as JobRef[];
    this.#prepare(`UPDATE jobs SET status_cleared = 1 ${sql}`).run(before);
    return refs;
  }

  /** From now on no status of a user's jobs is shown: which were. */
  hideStatuses(user: string): JobRef[] {
    const sql = "WHERE user = ? AND status_cleared = 0";
    const refs = this.#prepare(`SELECT user, job FROM jobs ${sql}`).all(user) as JobRef[];
    this.#prepare(`UPDATE jobs SET status_cleared = 1 ${sql}`).run(user);
    return refs;
  }

  /** Forgets jobs that ended before `before`: from then on their ids are free again. */
  purge(before: number): number {
    return this.#prepare("DELETE FROM jobs WHERE ended_at < ?").run(before).changes;
  }

  /** Runs `work` as one transaction; nests. */
  transact<T>(work: () => T): T {
    return this.#database.transaction(work)();
  }

  #count(sql: string, ...values: (string | number)[]): number {
    return this.#prepare(sql)
      .pluck()
      .get(...values) as number;
  }

  #prepare(sql: string): Statement {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#database.prepare<unknown[]>(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

/** A target's printers, by the agent that owns them. */
export function groupByAgent(target: Target): { agent: string; printers: string[] }[] {
  const agents = Map.groupBy(target.printers, ({ agent }) => agent);
  return [...agents].map(([agent, owned]) => ({ agent, printers: owned.map(({ printer }) => printer) }));
}

function toJob(row: Row): Job {
  return { ...row, isGroup: row.isGroup === 1, isHidden: row.isHidden === 1 } as unknown as Job;
}

function toCopy(row: unknown): Copy {
  const { printers, final, again, ...rest } = row as Row;
  return {
    ...rest,
    printers: JSON.parse(String(printers)) as string[],
    final: final === 1,
    again: again === 1,
  } as unknown as Copy;
}
