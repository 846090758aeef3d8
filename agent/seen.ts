/** Which sealed files were here before: keyed hashes of their file keys, kept as long as the identity. */
import { type JobRef, jobKey } from "../wire/name.ts";
import type { Db } from "./database.ts";

export class Seen {
  readonly #find;
  readonly #insert;

  constructor(db: Db) {
    this.#find = db.prepare<[Uint8Array], JobRef>("SELECT user, job FROM seen WHERE hash = ?");
    this.#insert = db.prepare<[Uint8Array, string, string]>(
      "INSERT INTO seen (hash, user, job) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
    );
  }

  /** True when this file came before as another job. The same job again is an arrival that was cut short. */
  isReplay(hash: Uint8Array, ref: JobRef): boolean {
    const first = this.#find.get(hash);
    return first !== undefined && jobKey(first) !== jobKey(ref);
  }

  /** Inside the transaction that makes the job held. */
  remember(hash: Uint8Array, ref: JobRef): void {
    this.#insert.run(hash, ref.user, ref.job);
  }
}
