/** The escrow as the keeping of jobs needs it: shares put away at the broker, asked back by tag, claims on group jobs. */
import type { EscrowShare } from "../wire/agent-call.ts";
import type { JobRef } from "../wire/name.ts";

/** One question to the escrow: the share of this attempt, if the tag is right. `tag` is base64 of 16 bytes. */
export interface EscrowAsk extends JobRef {
  readonly attempt: string;
  readonly tag: string;
}

/**
 * Every method rejects with PlatenError (`broker-unreachable`, `timeout`) when it has no answer; it has a deadline of
 * its own. Nothing here says whether a job prints: that is decided by who can open its record.
 */
export interface Escrow {
  /** What is known now; false means that an answer cannot be expected. */
  readonly reachable: boolean;
  /** Resolves once durable there. `ended`: the job has a tombstone; `conflict`: other bytes lie under this attempt. */
  put(share: EscrowShare): Promise<"stored" | "ended" | "conflict">;
  /** One answer per ask, in order: the 32 bytes, or null where the tag is wrong or nothing lies there. */
  ask(asks: readonly EscrowAsk[]): Promise<(Uint8Array | null)[]>;
  /** True when this agent may print the group's job; the same agent is granted again. */
  claim(ref: JobRef, printer: string): Promise<boolean>;
}
