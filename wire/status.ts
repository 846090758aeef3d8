/** The retained status of a job: what its sender can know. Never a name, never an OTP. */
import { z } from "zod";
import { MISSING_RANGES_MAX } from "./limits.ts";
import { isName } from "./name.ts";
import { REASONS } from "./reason.ts";
import { isEnd, JOB_STATES } from "./state.ts";

const range = z.tuple([z.int().min(0), z.int().min(0)]);

export const statusSchema = z.object({
  state: z.enum(JOB_STATES),
  reason: z.enum(REASONS).nullable(),
  /** Unix seconds, the broker's clock. */
  at: z.int().min(0).max(253_402_300_799),
  /** Where it was sent: a cancel needs it, and the sender may be at another machine by now. */
  target: z.string().refine(isName).optional(),
  /** Sealed bytes received so far, while `receiving`. */
  progress: z.int().min(0).optional(),
  /** Parts the broker lacks, as `[first, last]` ranges: send these again. */
  missing: z.array(range).max(MISSING_RANGES_MAX).optional(),
  /** True where nothing follows although the state alone does not say so: an `interrupted` past its grace time. */
  final: z.boolean().optional(),
  /** While the same OTP prints it again (`interrupted`, `delivered`): until when, in Unix seconds, if the agent runs on. */
  until: z.int().min(0).max(253_402_300_799).optional(),
  /** True where the state is that of a second copy. */
  again: z.boolean().optional(),
  /** Of `interrupted`: how much of the document the printer took, at least and at most; missing where nobody knows. */
  taken: z.tuple([z.int().min(0), z.int().min(0)]).optional(),
  /** For groups: the state at each printer. */
  printers: z.record(z.string().refine(isName), z.enum(JOB_STATES)).optional(),
});
export type JobStatus = z.infer<typeof statusSchema>;

/** True when nobody need follow the job any longer; it may still be printed again, see {@link isOver}. */
export function isLastStatus(status: JobStatus): boolean {
  return status.final === true || isEnd(status.state);
}

/** True when no copy of it will ever be printed any more. */
export function isOver(status: JobStatus): boolean {
  return isLastStatus(status) && status.until === undefined;
}

/** A status with 64 printers and 64 ranges stays below this. */
export const STATUS_BYTES_MAX = 8 * 1024;

/** The payload of `.../end`. `bytes` counts the sealed file; `expires` in Unix seconds. */
export const endSchema = z.strictObject({
  parts: z.int().min(1).max(10_000_000),
  bytes: z.int().min(1),
  expires: z.int().min(0).optional(),
});
export type End = z.infer<typeof endSchema>;
