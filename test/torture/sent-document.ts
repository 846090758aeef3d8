/** A document as the two people know it: the one who sent it, and the one at the keypad. */
import type { JobRef } from "../../wire/name.ts";

/** A document's first bytes occur nowhere else: by them what came out of a printer is told apart. */
export const MARK_BYTES = 16;

export interface SentDocument extends JobRef {
  readonly target: string;
  /** Random bytes, or begun with {@link MARK_BYTES} of them. */
  readonly body: Buffer;
  readonly copies: number;
  /** Null where the sender never learned whether it was stored. */
  readonly otp: string | null;
  /** The broker told its sender that it is stored: from then on it may not be lost. */
  isStored: boolean;
  /** How often its OTP was typed; counted before the keys go out. Nothing prints more often than that. */
  entries: number;
}

export function nameDocument({ user, job }: JobRef): string {
  return `${user}/${job}`;
}
