/**
 * From locked to open: the broker is asked for the boot share, and the identity on the card opens under it. The share
 * lives as long as that takes.
 */
import { decodeBase64 } from "../wire/base64.ts";
import { isPlatenError, PlatenError } from "../wire/error.ts";
import type { Calls } from "./calls.ts";
import { openSecrets } from "./identity.ts";
import type { KeeperSecrets } from "./keeper-port.ts";

/**
 * @throws PlatenError `identity-damaged`: no other share will come, so trying again is in vain; everything else that
 * {@link Calls.call} throws
 */
export async function askIdentity(calls: Calls, sealedSecrets: Uint8Array): Promise<KeeperSecrets> {
  const { share: text } = await calls.call("boot", {});
  const share = decodeBase64(text);
  if (!share) throw new PlatenError("identity-damaged");
  try {
    return openSecrets(sealedSecrets, share);
  } finally {
    share.fill(0);
  }
}

const PAUSE_MS = 5000;
const PAUSE_MAX_MS = 10 * 60_000;

/** How long to wait before asking again: what the broker said where it said so. */
export function pauseAfter(error: unknown): number {
  if (!isPlatenError(error, "call-refused")) return PAUSE_MS;
  const { retryAfter, why } = error.details;
  if (typeof retryAfter === "number") return Math.min(PAUSE_MAX_MS, Math.max(1, retryAfter) * 1000);
  return why === "revoked" || why === "unknown" ? PAUSE_MAX_MS : PAUSE_MS;
}
