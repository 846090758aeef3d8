/** What a job leaves behind, and its destruction. The end state is durable before anything here is called. */
import type { JobRef } from "../wire/name.ts";
import type { Graces } from "./graces.ts";
import type { Job } from "./job.ts";
import type { Spool } from "./spool.ts";
import type { Vault } from "./vault.ts";

export class Traces {
  readonly #vault: Vault;
  readonly #spool: Spool;
  readonly #graces: Graces;

  constructor(vault: Vault, spool: Spool, graces: Graces) {
    this.#vault = vault;
    this.#spool = spool;
    this.#graces = graces;
  }

  /** Memory first, then the file. The share at the escrow goes with the final event. */
  async destroy(job: Job): Promise<void> {
    this.#forget(job);
    if (job.attempt !== "") await this.#spool.remove(job.attempt);
  }

  #forget(ref: JobRef): void {
    this.#vault.drop(ref);
    this.#graces.end(ref);
  }
}
