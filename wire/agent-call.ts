/**
 * What an agent and the broker say to each other under `agents/<agent>/`. A call is JSON with a request id `rid` on
 * `call/<name>`; its answer carries the same `rid` on `reply`. Tickets tell the agent what the broker wants of a job;
 * they say the wish, not the change, so that any of them may be lost or come twice.
 */
import { z } from "zod";
import { decodeBase64 } from "./base64.ts";
import { isJobId, isName } from "./name.ts";
import { REASONS } from "./reason.ts";
import { JOB_STATES } from "./state.ts";

const name = z.string().refine(isName);
const job = z.string().refine(isJobId);
const seconds = z.int().min(0).max(253_402_300_799);
const base64 = (bytes: number) =>
  z
    .string()
    .length(4 * Math.ceil(bytes / 3))
    .refine((text) => decodeBase64(text)?.length === bytes);
const attempt = z.string().regex(/^[0-9a-f]{16}$/);
const rid = z.string().regex(/^[A-Za-z0-9-]{1,36}$/);
const ref = { user: name, job };

/** Calls and replies carry at most this; batches below are sized to fit. */
export const CALL_BYTES_MAX = 120 * 1024;
export const BATCH_MAX = 200;
/** A ticket with 64 printers stays below this. */
export const TICKET_BYTES_MAX = 4 * 1024;

/** First word of a session: what this agent is; the answer tells the time and what the broker knows of it. */
const hello = z.object({
  rid,
  version: z.string().max(32),
  printers: z
    .array(z.object({ name, languages: z.array(z.string().max(16)).max(32), raw: z.boolean() }))
    .max(64),
});
const helloReply = z.object({ rid, time: seconds, agent: name, printers: z.array(name).max(64) });

/** The boot share: 32 bytes, released once a session, throttled. */
const boot = z.object({ rid });
const bootReply = z.object({ rid, share: base64(32) });

/** A fresh certificate for the same key (PEM both ways). */
const renew = z.object({ rid, csr: z.string().max(8192) });
const renewReply = z.object({ rid, certificate: z.string().max(16384) });

/**
 * Credit: the broker may send parts `from` to `from + window - 1`, in order, as they become available. No reply.
 * A `from` that is the end of the credit given before in this session extends it: what lies before is still sent, once.
 * Any other `from` starts anew there. A `window` of 0 withdraws the credit. Credit ends with the session.
 */
const parts = z.object({ ...ref, from: z.int().min(0), window: z.int().min(0).max(64) });

/** One share in escrow: `S` under its tag. `tag` 16 bytes, `share` 32 bytes. */
const share = z.object({ ...ref, attempt, tag: base64(16), share: base64(32), expires: seconds });
const put = z.object({ rid, shares: z.array(share).min(1).max(BATCH_MAX) });
/** `stored` is said only once durable; `ended`: a tombstone refused it; `conflict`: other bytes lie there already. */
const putReply = z.object({ rid, results: z.array(z.enum(["stored", "ended", "conflict"])).max(BATCH_MAX) });

const ask = z.object({
  rid,
  asks: z
    .array(z.object({ ...ref, attempt, tag: base64(16) }))
    .min(1)
    .max(BATCH_MAX),
});
const askReply = z.object({ rid, shares: z.array(base64(32).nullable()).max(BATCH_MAX) });

/** A change at the agent. `id` is the event's own; `final`: drop the share in all attempts and leave a tombstone. */
export const eventSchema = z.object({
  id: z.uuid(),
  ...ref,
  state: z.enum(JOB_STATES),
  reason: z.enum(REASONS).nullable(),
  printer: name.nullable(),
  at: seconds,
  /** Document bytes: the size when held, what was surely handed over when printing ended; null: unknown. */
  bytes: z.int().min(0).nullable(),
  /** What may have been handed over, where that is not known exactly: the printer took something in between. */
  bytesAtMost: z.int().min(0).optional(),
  /** Of `interrupted` and `delivered` that are not final: until when the same OTP prints it again, if the agent runs on. */
  until: seconds.optional(),
  /** True where what prints or came out is a second copy. */
  again: z.boolean().optional(),
  final: z.boolean(),
});
export type JobEvent = z.infer<typeof eventSchema>;
const event = z.object({ rid, events: z.array(eventSchema).min(1).max(BATCH_MAX) });
/** The ids that are durable in the ledger and, when final, whose shares are gone. */
const eventReply = z.object({ rid, confirmed: z.array(z.uuid()).max(BATCH_MAX) });

/** A group's job is claimed before it prints; granted to one agent only, and again to the same one. */
const claim = z.object({ rid, ...ref, printer: name });
const claimReply = z.object({ rid, granted: z.boolean() });

/** Instead of an answer: the call was refused. `retryAfter` in seconds. */
export const refusalSchema = z.object({
  rid,
  refused: z.enum(["malformed", "throttled", "busy", "revoked", "unknown", "other-session", "disk-full"]),
  retryAfter: z.int().min(0).optional(),
});
export type Refusal = z.infer<typeof refusalSchema>;

export const CALL_SCHEMAS = { hello, boot, renew, parts, put, ask, event, claim } as const;
export const REPLY_SCHEMAS = {
  hello: helloReply,
  boot: bootReply,
  renew: renewReply,
  put: putReply,
  ask: askReply,
  event: eventReply,
  claim: claimReply,
} as const;
export type CallBody<N extends keyof typeof CALL_SCHEMAS> = z.infer<(typeof CALL_SCHEMAS)[N]>;
export type ReplyBody<N extends keyof typeof REPLY_SCHEMAS> = z.infer<(typeof REPLY_SCHEMAS)[N]>;
export type EscrowShare = z.infer<typeof share>;

/**
 * What the broker wants of a job at this agent. `take`: fetch it and hold it. `hold`: this agent told that it has it; if
 * that is not so (any more), tell. `drop`: it ended elsewhere or was cancelled; end it with `reason`. `parts` and `bytes` are null while the sender is still sending.
 */
export const ticketSchema = z.object({
  ...ref,
  target: name,
  /** This agent's printers among the target's. */
  printers: z.array(name).min(1).max(64),
  want: z.enum(["take", "hold", "drop"]),
  reason: z.enum(REASONS).nullable(),
  parts: z.int().min(1).nullable(),
  bytes: z.int().min(1).nullable(),
  expires: seconds.nullable(),
  /** Digits an OTP of this target has. */
  otp: z.int().min(6).max(12),
  /** True when other agents hold it too: claim before printing. */
  group: z.boolean(),
});
export type Ticket = z.infer<typeof ticketSchema>;

/** Retained on `presence`; the last will says `away`. */
export const presenceSchema = z.object({ state: z.enum(["here", "away"]) });
/** On `condition`, whenever it changes and after hello: what each printer says of itself. */
export const conditionSchema = z.object({
  printers: z
    .array(
      z.object({
        name,
        ready: z.enum(["yes", "no", "unknown"]),
        reason: z.enum(REASONS).nullable(),
        at: seconds,
        /** It said that its paper runs out soon; missing: it did not say so, or cannot. */
        nearEnd: z.literal(true).optional(),
        /** On a serial line, what it said came damaged since the agent started; missing: nothing did, as far as is known. */
        lineErrors: z.object({ damagedBytes: z.int().min(0), breaks: z.int().min(0) }).optional(),
      }),
    )
    .max(64),
  /** What the agent itself needs of a person. `certificate`: it could not be renewed and ends soon. `tamper`: its case is open. */
  warnings: z.array(z.enum(["certificate", "tamper"])).optional(),
});
