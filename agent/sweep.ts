/** What time does to jobs: expiry, the end of grace, tombstones nobody needs any more. */
import type { Clock } from "./clock.ts";
import type { Db } from "./database.ts";
import type { Graces } from "./graces.ts";
import type { Job } from "./job.ts";
import type { Jobs } from "./jobs.ts";
import type { KeeperSignals } from "./keeper-port.ts";
import type { Traces } from "./traces.ts";

/** How often it is to be run. */
export const SWEEP_MS = 15_000;
/** The highest time seen is kept so often and not oftener: a card wears out by what is written while nobody prints. */
const KEEP_TIME_S = 3600;
/** A tombstone outlives every ticket and share of its job. */
const TOMBSTONE_S = 30 * 24 * 3600;

export interface SweepRoom {
  readonly db: Db;
  readonly jobs: Jobs;
  readonly graces: Graces;
  readonly traces: Traces;
  readonly clock: Clock;
  readonly signals: Pick<KeeperSignals, "onTiming">;
  readonly expiresDefaultS: number;
  /** Unix seconds, as kept from earlier runs; 0 if none. */
  readonly highestSeen: number;
}

export class Sweep {
  readonly #room: SweepRoom;
  readonly #keepTime;
  readonly #hasOld;
  readonly #forgetOld;
  #keptTime: number;

  constructor(room: SweepRoom) {
    this.#room = room;
    this.#keptTime = room.highestSeen;
    this.#keepTime = room.db.prepare<[number]>(
      "INSERT INTO clock (one, highest_seen) VALUES (1, ?) ON CONFLICT DO UPDATE SET highest_seen = max(highest_seen, excluded.highest_seen)",
    );
    const old = "FROM job WHERE final = 1 AND ended_at < ?";
    this.#hasOld = room.db.prepare<[number]>(`SELECT 1 ${old} LIMIT 1`);
    // What was sealed in it is remembered, but as nobody's: under the old id it may not come again either.
    const disown = room.db.prepare<[number]>(
      `UPDATE seen SET job = '' WHERE (user, job) IN (SELECT user, job ${old})`,
    );
    const remove = room.db.prepare<[number]>(`DELETE ${old}`);
    this.#forgetOld = room.db.transaction((before: number) => {
      disown.run(before);
      remove.run(before);
    });
  }

  /** Once; the caller repeats it every {@link SWEEP_MS}. Storage errors pass through: the next run finds what is left. */
  async run(): Promise<void> {
    const { db, clock, graces, jobs } = this.#room;
    const now = clock.now();
    for (const job of jobs.live()) {
      const isOpen = job.state === "interrupted" || job.state === "delivered";
      if (isOpen && graces.isOver(job)) await this.#end(job, "grace-over");
      if (job.state !== "held" || now === null) continue;
      if (job.expires === null) jobs.note(job, { expires: now + this.#room.expiresDefaultS });
      else if (job.expires <= now) await this.#end(job, "time-over");
    }
    graces.save(SWEEP_MS);
    if (now === null) return;
    if (now - this.#keptTime >= KEEP_TIME_S) {
      this.#keepTime.run(now);
      this.#keptTime = now;
    }
    if (this.#hasOld.get(now - TOMBSTONE_S)) this.#forgetOld(now - TOMBSTONE_S);
    // Here and not amid a release: a checkpoint is the slowest thing the database does.
    db.pragma("wal_checkpoint(PASSIVE)");
  }

  async #end(job: Job, kind: "time-over" | "grace-over"): Promise<void> {
    const { jobs, traces, signals, clock } = this.#room;
    const ended = jobs.apply(job, { kind });
    if (!ended) return;
    await traces.destroy(ended);
    const { user, job: id, printer } = ended;
    if (printer !== null)
      signals.onTiming({ user, job: id, step: "destroyed", atMs: clock.monotonic(), printer });
  }
}
