/** What time ends: jobs past their expiry, receptions nobody goes on with, old statuses and rows, idle files. */
import type { Conditions } from "./conditions.ts";
import type { Escrow } from "./escrow.ts";
import { isAtAgent } from "./job-state.ts";
import type { Job, Jobs } from "./jobs.ts";
import type { Ledger } from "./ledger.ts";
import type { Lifecycle } from "./lifecycle.ts";
import { type Log, nameError } from "./log.ts";
import type { PartStore } from "./part-store.ts";
import type { Receiving } from "./receiving.ts";
import type { AgentCertificates } from "./registry-port.ts";
import type { StatusBoard } from "./status.ts";
import type { Tombstones } from "./tombstones.ts";

export interface SweepParts {
  readonly jobs: Jobs;
  readonly ledger: Ledger;
  readonly tombstones: Tombstones;
  readonly conditions: Conditions;
  readonly escrow: Escrow;
  readonly lifecycle: Lifecycle;
  readonly receiving: Receiving;
  readonly parts: PartStore;
  readonly status: StatusBoard;
  readonly log: Log;
  /** By it nothing is forgotten while it is doubtful. */
  readonly agentCertificates: Pick<AgentCertificates, "isClockDoubtful">;
  readonly now: () => number;
  readonly monotonicMs: () => number;
}

const DAY_S = 24 * 3600;
/** An interrupted or delivered job may print again for 10 minutes, even past its expiry; and clocks differ. */
const EXPIRY_GRACE_S = 15 * 60;
/** An agent that is away this long after a job's end is not waited for any more. */
const SILENCE_S = 3600;
const ABANDONED_MS = 3600 * 1000;
const IDLE_FILE_MS = 60_000;
const STATUS_KEPT_S = DAY_S;
/** Ids are refused as duplicates for this long; longer than any expiry. */
const JOB_KEPT_S = 30 * DAY_S;
const LEDGER_KEPT_S = 400 * DAY_S;
export const SWEEP_EVERY_MS = 30_000;

/** One round. Never rejects. */
export async function sweep(swept: SweepParts): Promise<void> {
  const { lifecycle, receiving, parts, log } = swept;
  try {
    const abandoned = receiving.silentSince(swept.monotonicMs() - ABANDONED_MS);
    for (const ref of abandoned) {
      receiving.close(ref);
      lifecycle.end(ref, "rejected", "incomplete");
    }
    const ended = swept.agentCertificates.isClockDoubtful() ? NOTHING : await endWhatIsOver(swept);
    await parts.closeIdle(IDLE_FILE_MS);
    log.write("swept", { abandoned: abandoned.length, ...ended });
  } catch (error) {
    log.write("storage-failed", { what: "sweep", code: nameError(error) });
  }
}

const NOTHING = { expired: 0, cleared: 0, purged: 0 };

async function endWhatIsOver(swept: SweepParts): Promise<typeof NOTHING> {
  const { jobs, ledger, tombstones, escrow, status, conditions, now } = swept;
  const expired = jobs.live().filter((job) => expire(job, swept)).length;
  const cleared = jobs.clearStatuses(now() - STATUS_KEPT_S);
  for (const ref of cleared) status.clear(ref);
  const purged = jobs.purge(now() - JOB_KEPT_S) + ledger.purge(now() - LEDGER_KEPT_S);
  tombstones.purge(now() - JOB_KEPT_S);
  conditions.purge(now() - LEDGER_KEPT_S);
  await escrow.expire(now() - EXPIRY_GRACE_S);
  return { expired, cleared: cleared.length, purged };
}

/** True when the job was told to end, or ended. */
function expire(job: Job, { jobs, lifecycle, now }: SweepParts): boolean {
  if (job.expires > now()) return false;
  if (job.wish !== null) {
    if (job.expires + EXPIRY_GRACE_S + SILENCE_S > now()) return false;
    lifecycle.end(job, job.wish === "expired" ? "expired" : "cancelled", job.wish);
    return true;
  }
  const busy = jobs.copiesOf(job).some((copy) => isAtAgent(copy) && copy.state !== "held");
  if (busy && job.expires + EXPIRY_GRACE_S > now()) return false;
  return lifecycle.wish(job, "expired");
}
