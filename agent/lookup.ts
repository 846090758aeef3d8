/**
 * Finds the jobs an OTP belongs to: tags in memory, compared in constant time over all of them, and one question to
 * the escrow for the jobs whose share a restart lost.
 */
import { timingSafeEqual } from "node:crypto";
import { encodeBase64 } from "../wire/base64.ts";
import type { OpenedJob } from "./document.ts";
import type { Escrow } from "./escrow-port.ts";
import type { Job } from "./job.ts";
import type { Share, Vault } from "./vault.ts";

const NEVER_S = 253_402_300_799;

export type Found =
  /** `damaged`: the OTP is theirs, but their record does not open. */
  | { readonly kind: "compared"; readonly opened: OpenedJob[]; readonly damaged: Job[] }
  /** Memory knows no such job, and the escrow did not answer. `isInformative`: tags in memory were compared, so that the refusal tells something. */
  | { readonly kind: "away"; readonly isInformative: boolean };

interface Candidate {
  readonly job: Job;
  readonly tag: Uint8Array;
  readonly share: Share | null;
}

export class Lookup {
  readonly #vault: Vault;
  readonly #escrow: Escrow;

  constructor(vault: Vault, escrow: Escrow) {
    this.#vault = vault;
    this.#escrow = escrow;
  }

  /** True when this entry could not be judged: the escrow has what is missing, and is away. */
  isLocked(jobs: readonly Job[]): boolean {
    return !this.#escrow.reachable && jobs.some((job) => !this.#vault.share(job));
  }

  /** Every job whose tag `st` makes, its record open: the caller's to close. */
  async find(st: Uint8Array, jobs: readonly Job[]): Promise<Found> {
    const candidates = jobs.map((job) => ({
      job,
      tag: this.#vault.tag(st, job),
      share: this.#vault.share(job),
    }));
    const shares = candidates.flatMap(matchInMemory);
    const missing = candidates.filter(({ share }) => !share);
    if (missing.length > 0) {
      const answers = await this.#ask(missing);
      // What memory matched needs no answer: one job that nobody fetches after a restart, asked for at every entry, uses
      // up the escrow's patience, and must not keep everybody else's documents from them.
      if (!answers && shares.length === 0)
        return { kind: "away", isInformative: missing.length < candidates.length };
      shares.push(...(answers ?? []));
    }
    return this.#open(st, jobs, shares);
  }

  async #ask(missing: readonly Candidate[]): Promise<Share[] | null> {
    const asks = missing.map(({ job, tag }) => {
      return { user: job.user, job: job.job, attempt: job.attempt, tag: encodeBase64(tag) };
    });
    try {
      const answers = await this.#escrow.ask(asks);
      return missing.flatMap(({ job, tag }, i) => {
        const share = answers[i];
        if (!share) return [];
        const { user, job: id, attempt } = job;
        return [{ user, job: id, attempt, tag, share, expires: job.expires ?? NEVER_S }];
      });
    } catch {
      return null;
    }
  }

  #open(st: Uint8Array, jobs: readonly Job[], shares: readonly Share[]): Found {
    const opened: OpenedJob[] = [];
    const damaged: Job[] = [];
    for (const share of shares) {
      const job = jobs.find(({ user, job }) => user === share.user && job === share.job);
      if (!job?.record) continue;
      const record = this.#vault.open(job.record, job, share.share, st);
      if (!record) {
        // A share that memory vouches for and a record it does not open: the card is damaged. One from outside proves nothing.
        if (this.#vault.share(job)) damaged.push(job);
        continue;
      }
      if (!this.#vault.share(job)) this.#vault.hold(share);
      opened.push({ job, record });
    }
    return { kind: "compared", opened, damaged };
  }
}

function matchInMemory({ tag, share }: Candidate): Share[] {
  return share && timingSafeEqual(tag, share.tag) ? [share] : [];
}
