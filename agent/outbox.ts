/** Events that wait until the broker confirmed them. Rows are written in the transaction that changes the job. */
import { eventSchema, type JobEvent } from "../wire/agent-call.ts";
import type { JobRef } from "../wire/name.ts";
import type { Db } from "./database.ts";
import type { Outbox } from "./keeper-port.ts";

export class EventOutbox implements Outbox {
  readonly #db: Db;
  readonly #insert;
  readonly #oldest;
  readonly #delete;
  readonly #ofJob;

  constructor(db: Db) {
    this.#db = db;
    this.#insert = db.prepare<[string, string]>("INSERT INTO outbox (id, event) VALUES (?, ?)");
    this.#oldest = db.prepare<[number], string>("SELECT event FROM outbox ORDER BY seq LIMIT ?").pluck();
    this.#ofJob = db.prepare<[string, string]>(
      "SELECT 1 FROM outbox WHERE event ->> 'user' = ? AND event ->> 'job' = ? LIMIT 1",
    );
    this.#delete = db.prepare<[string]>("DELETE FROM outbox WHERE id = ?");
  }

  /** Inside the transaction of the change it tells. */
  add(event: JobEvent): void {
    this.#insert.run(event.id, JSON.stringify(event));
  }

  waitsFor({ user, job }: JobRef): boolean {
    return this.#ofJob.get(user, job) !== undefined;
  }

  pending(limit: number): JobEvent[] {
    return this.#oldest.all(limit).map((text) => eventSchema.parse(JSON.parse(text)));
  }

  confirm(ids: readonly string[]): void {
    this.#db.transaction(() => {
      for (const id of ids) this.#delete.run(id);
    })();
  }
}
