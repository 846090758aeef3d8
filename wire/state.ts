/** The states of a job, as the agent, the ledger and the status topic name them. */

export const JOB_STATES = [
  "receiving", // broker: parts come in
  "stored", // broker: complete and synced there
  "arriving", // agent: coming in and being checked
  "held", // agent: waiting for its OTP
  "releasing", // agent: the OTP was right, the printer is being taken
  "printing", // agent: the first byte may have gone
  "printed", // the printer confirmed it
  "delivered", // every byte handed over and drained; the printer confirmed nothing; for a grace time the same OTP prints it once more
  "interrupted", // some bytes went; the same OTP prints it again for the grace time
  "expired",
  "cancelled",
  "rejected",
] as const;

export type JobState = (typeof JOB_STATES)[number];

const ENDS: ReadonlySet<JobState> = new Set(["printed", "delivered", "expired", "cancelled", "rejected"]);

/** True when nobody need wait for more. Every trace is being destroyed; of `delivered`, once it cannot be printed again. */
export function isEnd(state: JobState): boolean {
  return ENDS.has(state);
}
