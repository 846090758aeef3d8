/** A job as the agent's database keeps it. One row per (user, job), also after its end: then it is the tombstone. */
import type { JobRef } from "../wire/name.ts";
import type { Reason } from "../wire/reason.ts";
import type { AgentState, Phase } from "./job-machine.ts";

export interface Job extends JobRef, Phase {
  /** In order of arrival. */
  readonly id: number;
  readonly target: string;
  /** This agent's printers among the target's. */
  readonly printers: readonly string[];
  /** Held at other agents too: claimed before it prints. */
  readonly group: boolean;
  /** Names the spool file and the share. */
  readonly attempt: string;
  readonly otpDigits: number;
  /** Where it prints or printed; null before its release. */
  readonly printer: string | null;
  /** Sealed: file key, payload nonce, manifest. Null before it is held and after the end. */
  readonly record: Uint8Array | null;
  /** Size of the spool file. */
  readonly sealedBytes: number;
  /** Size of the document. */
  readonly bytes: number;
  /** As bound into the record; 0 where the time was unknown. */
  readonly sealedExpires: number;
  /** Unix seconds; null until the time is known. */
  readonly expires: number | null;
  /** Copies that were handed over and drained. */
  readonly copiesDone: number;
  readonly endedAt: number | null;
}

/** The row as SQLite has it. */
export interface JobRow {
  id: number;
  user: string;
  job: string;
  target: string;
  printers: string;
  grouped: number;
  attempt: string;
  otp_digits: number;
  state: string;
  reason: string | null;
  final: number;
  again: number;
  printer: string | null;
  record: Uint8Array | null;
  sealed_bytes: number;
  bytes: number;
  sealed_expires: number;
  expires: number | null;
  copies_done: number;
  ended_at: number | null;
}

/** By the number in the row. */
const AGAIN: readonly Phase["again"][] = [null, "interrupted", "delivered", "cut-short"];

export function fromRow(row: JobRow): Job {
  return {
    id: row.id,
    user: row.user,
    job: row.job,
    target: row.target,
    printers: JSON.parse(row.printers) as string[],
    group: row.grouped === 1,
    attempt: row.attempt,
    otpDigits: row.otp_digits,
    state: row.state as AgentState,
    reason: row.reason as Reason | null,
    final: row.final === 1,
    again: AGAIN[row.again] ?? null,
    printer: row.printer,
    record: row.record,
    sealedBytes: row.sealed_bytes,
    bytes: row.bytes,
    sealedExpires: row.sealed_expires,
    expires: row.expires,
    copiesDone: row.copies_done,
    endedAt: row.ended_at,
  };
}

export function toRow(job: Job): JobRow {
  return {
    id: job.id,
    user: job.user,
    job: job.job,
    target: job.target,
    printers: JSON.stringify(job.printers),
    grouped: job.group ? 1 : 0,
    attempt: job.attempt,
    otp_digits: job.otpDigits,
    state: job.state,
    reason: job.reason,
    final: job.final ? 1 : 0,
    again: AGAIN.indexOf(job.again),
    printer: job.printer,
    record: job.record,
    sealed_bytes: job.sealedBytes,
    bytes: job.bytes,
    sealed_expires: job.sealedExpires,
    expires: job.expires,
    copies_done: job.copiesDone,
    ended_at: job.endedAt,
  };
}
