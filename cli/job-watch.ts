/** Following jobs on a terminal: one line for each change, until nothing can follow. */
import type { Session } from "../client/session.ts";
import type { JobStatus } from "../wire/status.ts";
import { describeStatus, didPrint } from "./job-words.ts";
import type { Terminal } from "./terminal.ts";

/** Shows each status of `jobs` as it comes. Returns whether all of them came out of a printer. */
export async function watchJobs(
  session: Session,
  jobs: readonly string[],
  terminal: Terminal,
  signal: AbortSignal,
): Promise<boolean> {
  const printed = await Promise.all(
    jobs.map((job) => watchJob(session, job, jobs.length > 1, terminal, signal)),
  );
  return printed.every(Boolean);
}

async function watchJob(
  session: Session,
  job: string,
  named: boolean,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<boolean> {
  const { followJob } = await import("../client/follow.ts");
  let last: JobStatus | null = null;
  for await (const status of followJob(session, job, { signal })) {
    terminal.printJson({ job, ...status });
    if (status.state !== last?.state || status.reason !== last.reason) {
      const time = new Date(status.at * 1000).toTimeString().slice(0, 8);
      const subject = named ? `  ${job}` : "";
      terminal.print(`${terminal.style("dim", time)}${subject}  ${describeStatus(status)}`);
    }
    last = status;
  }
  return last !== null && didPrint(last.state);
}
