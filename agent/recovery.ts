/** What each state becomes when the agent starts: whatever was under way when it stopped, nothing is lost or prints by itself. */
import type { Graces } from "./graces.ts";
import type { Job } from "./job.ts";
import { restingState } from "./job-machine.ts";
import type { Jobs } from "./jobs.ts";
import type { PrinterLine } from "./printer-line.ts";
import type { Spool } from "./spool.ts";

export interface RecoveryRoom {
  readonly jobs: Jobs;
  readonly spool: Spool;
  readonly graces: Graces;
  readonly lines: readonly PrinterLine[];
}

/** Before anything else touches the database or the spool. Idempotent: it may be cut short and run again. */
export async function recover(room: RecoveryRoom): Promise<void> {
  const { jobs, spool, graces } = room;
  for (const job of jobs.live()) {
    if (job.again !== null && job.state !== "printing") graces.resume(job, restingState(job.again));
    settle(room, job);
  }
  for (const job of jobs.live()) {
    if ((await spool.size(job.attempt)) !== job.sealedBytes) jobs.apply(job, { kind: "lost" });
  }
  const live = jobs.live();
  // What ended, or never became whole, may have left its file.
  await spool.sweep(new Set(live.map(({ attempt }) => attempt)));
}

function settle({ jobs, lines }: RecoveryRoom, job: Job): void {
  switch (job.state) {
    case "arriving":
      jobs.forget(job);
      return;
    case "releasing":
      jobs.apply(job, { kind: "returned" });
      return;
    case "printing":
      jobs.commit(() => {
        // Nobody knows how much went out.
        jobs.apply(job, { kind: "broke", reason: "power" });
        const line = lines.find(({ spec }) => spec.name === job.printer);
        line?.soil();
        line?.keep();
      });
      return;
    case "held":
      // Its claim may have been granted, and the power have gone before it was used.
      jobs.disclaim(job);
      return;
    case "interrupted":
    case "printed":
    case "delivered":
    case "expired":
    case "cancelled":
    case "rejected":
      return;
  }
}
