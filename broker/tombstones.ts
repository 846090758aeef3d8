/** Jobs that ended at an agent: of these no share may ever lie in escrow again. */
import type { JobRef } from "../wire/name.ts";
import type { BrokerDatabase } from "./database.ts";

export class Tombstones {
  readonly #insert;
  readonly #find;
  readonly #purge;

  constructor(database: BrokerDatabase) {
    this.#insert = database.prepare(
      "INSERT OR IGNORE INTO tombstones (agent, user, job, at) VALUES (?, ?, ?, ?)",
    );
    this.#find = database.prepare("SELECT 1 FROM tombstones WHERE agent = ? AND user = ? AND job = ?");
    this.#purge = database.prepare("DELETE FROM tombstones WHERE at < ?");
  }

  add(agent: string, ref: JobRef, at: number): void {
    this.#insert.run(agent, ref.user, ref.job, at);
  }

  has(agent: string, ref: JobRef): boolean {
    return this.#find.get(agent, ref.user, ref.job) !== undefined;
  }

  purge(before: number): void {
    this.#purge.run(before);
  }
}
