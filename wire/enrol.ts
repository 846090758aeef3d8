/**
 * The first contact, on `enrol/<code id>/request` and `/reply`. The MQTT login is user `$claim` or `$invite` with the
 * code's secret (base64url) as password, client id `<kind>-<code id>`; such a session may touch these two topics only.
 * The same request with the same code is answered again for an hour, so that a lost answer costs nothing.
 */
import { z } from "zod";
import { isName } from "./name.ts";

export const ENROL_BYTES_MAX = 16 * 1024;
const pem = z.string().max(8192);

/** An agent's: a CSR for its TLS key, its age recipient, and the boot share it drew (base64, 32 bytes). */
export const claimRequestSchema = z.object({
  csr: pem,
  recipient: z.string().regex(/^age1[a-z0-9]{20,4000}$/),
  bootShare: z.base64().length(44),
});
/** A sender's: the password it drew, 43 characters of base64url. */
export const inviteRequestSchema = z.object({ password: z.string().regex(/^[A-Za-z0-9_-]{43}$/) });

export const claimReplySchema = z.union([
  z.object({
    ok: z.literal(true),
    agent: z.string().refine(isName),
    printers: z.array(z.string().refine(isName)).max(64),
    certificate: pem,
    ca: pem,
  }),
  z.object({ ok: z.literal(false), sentence: z.string().max(512) }),
]);
export const inviteReplySchema = z.union([
  z.object({ ok: z.literal(true), user: z.string().refine(isName), ca: pem }),
  z.object({ ok: z.literal(false), sentence: z.string().max(512) }),
]);
