/**
 * Reasons: the second field beside a state, told to senders on the status topic and to the ledger.
 * The sentences for people live in `reasons.table.ts`.
 */
export const REASONS = [
  // the sender's submission
  "malformed", // topic, end or manifest is not as docs/protocol.md says
  "incomplete", // parts never came, or `end` lies about them
  "too-large",
  "quota",
  "duplicate", // this (user, job) was used before
  "replayed", // this ciphertext was seen before under another id
  "unknown-target",
  "not-sealed-to-us",
  "damaged", // authentication of the ciphertext failed, or the digest differs
  "mismatch", // the manifest names another user, job or target
  "otp-policy",
  "expiry-policy",
  "language",
  // the end of waiting
  "expired",
  "by-sender",
  "by-administrator",
  "otp-collision",
  "printed-elsewhere",
  // the printer
  "paper",
  "cover",
  "jam",
  "offline",
  "stalled",
  "cable",
  "device",
  "power", // the agent stopped in the middle
  // the machines in between
  "disk-full",
  "lost", // the spool or its key is gone or damaged
  "revoked",
  "internal",
] as const;

export type Reason = (typeof REASONS)[number];
