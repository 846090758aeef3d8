/** Judges what was inside the seal against what the topic and the policy say. Pure. */
import type { Ticket } from "../wire/agent-call.ts";
import type { ManifestResult } from "../wire/manifest.ts";
import { isTrivialOtp } from "../wire/otp.ts";
import type { Reason } from "../wire/reason.ts";
import type { HeldManifest } from "./job-record.ts";

/** Clocks of sender and agent may differ by so much. */
const CLOCK_SLACK_S = 300;

export interface ExpiryPolicy {
  readonly expiresDefaultS: number;
  readonly expiresMaxS: number;
}

/** When a job expires: Unix seconds, or null where nobody said and the time is unknown. Or why it cannot be held. */
export type Expiry =
  | { readonly kind: "at"; readonly expires: number | null }
  | { readonly kind: "over" }
  | { readonly kind: "refused"; readonly reason: Reason };

/** Why a manifest cannot be taken for this ticket; null when it can. */
export function judgeManifest(result: ManifestResult, ticket: Ticket): Reason | null {
  if (!result.ok) return "malformed";
  const { user, job, to, otp } = result.manifest;
  if ((user ?? ticket.user) !== ticket.user || (job ?? ticket.job) !== ticket.job) return "mismatch";
  if ((to ?? ticket.target) !== ticket.target) return "mismatch";
  if (otp.length !== ticket.otp || isTrivialOtp(otp)) return "otp-policy";
  return null;
}

/**
 * The earlier of what manifest and ticket say, else the policy's. Nothing is over and nothing is too far ahead while
 * the time is unknown.
 * @param now Unix seconds, or null
 */
export function judgeExpiry(
  manifest: HeldManifest,
  ticket: Ticket,
  policy: ExpiryPolicy,
  now: number | null,
): Expiry {
  const said = Math.min(
    manifest.expires ?? Number.POSITIVE_INFINITY,
    ticket.expires ?? Number.POSITIVE_INFINITY,
  );
  if (said === Number.POSITIVE_INFINITY) {
    return { kind: "at", expires: now === null ? null : now + policy.expiresDefaultS };
  }
  if (now === null) return { kind: "at", expires: said };
  if (said <= now) return { kind: "over" };
  const latest = Math.max(manifest.expires ?? said, ticket.expires ?? said);
  if (latest > now + policy.expiresMaxS + CLOCK_SLACK_S) return { kind: "refused", reason: "expiry-policy" };
  return { kind: "at", expires: said };
}
