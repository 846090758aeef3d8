/** Makes rows, part files and escrow agree again after an end of any kind. Run before the first connection. */
import { type JobRef, jobKey } from "../wire/name.ts";
import type { Escrow } from "./escrow.ts";
import type { Intake } from "./intake.ts";
import type { Job, Jobs } from "./jobs.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { Log } from "./log.ts";
import type { PartStore } from "./part-store.ts";
import type { Quota } from "./quota.ts";
import type { StatusBoard } from "./status.ts";
import { dropReason, wantsParts } from "./tickets.ts";
import type { Tombstones } from "./tombstones.ts";

export interface RecoveryParts {
  readonly jobs: Jobs;
  readonly parts: PartStore;
  readonly quota: Quota;
  readonly escrow: Escrow;
  readonly tombstones: Tombstones;
  readonly lifecycle: Lifecycle;
  readonly intake: Intake;
  readonly status: StatusBoard;
  readonly log: Log;
}

/**
 * A job that was being received keeps the parts that are whole; its status names the others once `end` came. A stored
 * job whose parts are gone ends as `lost`. Shares without a living job are dropped. Statuses are published anew.
 */
export async function recover(recovered: RecoveryParts): Promise<void> {
  const { jobs, parts, status, log } = recovered;
  const live = jobs.live();
  const wanted = new Set(live.map((job) => jobKey(job)));
  const orphans = parts.removeOrphans((key) => wanted.has(key));
  for (const job of jobs.withStatus()) {
    if (job.state !== "receiving") status.publish(job, jobs.copiesOf(job), null);
  }
  let lost = 0;
  for (const job of live) {
    if (job.state === "receiving") await resumeReceiving(job, recovered);
    else if (!keepStored(job, recovered)) lost++;
  }
  await dropShares(recovered);
  const receiving = live.filter(({ state }) => state === "receiving").length;
  log.write("recovered", { jobs: live.length, receiving, orphans, lost });
}

async function resumeReceiving(job: Job, { parts, intake, jobs, status }: RecoveryParts): Promise<void> {
  const file = parts.get(job, true) ?? parts.create(job);
  status.publish(job, jobs.copiesOf(job), file);
  await intake.restore(job, file);
}

/** False when its parts are needed and not all there. */
function keepStored(job: Job, { jobs, parts, quota, lifecycle }: RecoveryParts): boolean {
  if (!jobs.copiesOf(job).some((copy) => wantsParts(job, copy))) {
    // A crash came between the rows and what follows from them.
    lifecycle.settle(job);
    return true;
  }
  const file = parts.get(job);
  if (file && file.count === job.parts && file.bytes === job.bytes) {
    quota.grow(job, file.bytes);
    return true;
  }
  lifecycle.end(job, "rejected", "lost");
  return false;
}

async function dropShares({ escrow, jobs, tombstones }: RecoveryParts): Promise<void> {
  const isOver = (owner: JobRef & { readonly agent: string }): boolean => {
    const job = jobs.get(owner);
    const copy = jobs.copyAt(owner.agent, owner);
    return (
      !job ||
      !copy ||
      copy.final ||
      dropReason(job, owner.agent) !== null ||
      tombstones.has(owner.agent, owner)
    );
  };
  await escrow.dropWhere(isOver);
}
