/** What a job leaves behind, and its destruction. The end state is durable before anything here is called. */
import type { Job } from "./job.ts";
import type { Spool } from "./spool.ts";
import type { Vault } from "./vault.ts";

export class Traces {
  readonly #vault: Vault;
  readonly #spool: Spool;

  constructor(vault: Vault, spool: Spool) {
    this.#vault = vault;
    this.#spool = spool;
  }

  /** Memory first, then the file. The share at the escrow goes with the final event. */
  async destroy(job: Job): Promise<void> {
    this.#vault.drop(job);
    if (job.attempt !== "") await this.#spool.remove(job.attempt);
  }
}
