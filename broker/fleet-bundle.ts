/**
 * Lists on their way to a fleet key that is kept elsewhere, and their signatures on the way back. Pure: it runs on the
 * machine that holds the key, which trusts nothing in a bundle but shows a person every fingerprint first.
 */
import { z } from "zod";
import { PlatenError } from "../wire/error.ts";
import { fingerprintRecipient } from "../wire/fingerprint.ts";
import { parseJson } from "../wire/json.ts";
import { type FleetKey, formatPublicKey } from "../wire/minisign.ts";
import { isName } from "../wire/name.ts";
import { formatList, type ListTerms, signList } from "../wire/recipients.ts";

export const BUNDLE_BYTES_MAX = 768 * 1024;
const LISTS_MAX = 4096;
const name = z.string().refine(isName);

const pendingSchema = z.object({
  target: name,
  serial: z.int().min(1),
  expires: z.int().min(1),
  otp: z.int().min(8).max(12),
  languages: z.array(z.string().regex(/^[a-z0-9][a-z0-9-]{0,15}$/)).max(32),
  printers: z
    .array(
      z.object({
        printer: name,
        recipient: z.string().regex(/^age1[a-z0-9]{20,4000}$/),
        /** The signed list before it had no such recipient: compare its fingerprint. */
        fresh: z.boolean(),
      }),
    )
    .min(1)
    .max(64),
});
const exportSchema = z.object({
  v: z.literal(1),
  fleet: z.string().max(64),
  lists: z.array(pendingSchema).max(LISTS_MAX),
});
const signedSchema = z.object({
  v: z.literal(1),
  lists: z.array(z.object({ target: name, minisig: z.string().max(4096) })).max(LISTS_MAX),
});

/** A list that waits for its signature. */
export type PendingList = z.infer<typeof pendingSchema>;
export type SignedBundle = z.infer<typeof signedSchema>;

/** The same with what a person compares. */
export interface ShownList extends PendingList {
  readonly fingerprints: readonly {
    readonly printer: string;
    readonly fingerprint: string;
    readonly fresh: boolean;
  }[];
}

export function formatBundle(fleet: string, lists: readonly PendingList[]): string {
  return JSON.stringify({ v: 1, fleet, lists }, null, 1);
}

/** What a bundle asks for, with fingerprints computed here, never read. @throws PlatenError `lists-refused` */
export function readBundle(json: string): ShownList[] {
  return parseBundle(json).lists.map((list) => ({
    ...list,
    fingerprints: list.printers.map(({ printer, recipient, fresh }) => ({
      printer,
      fresh,
      fingerprint: fingerprintRecipient(recipient),
    })),
  }));
}

/**
 * Signs every list of an exported bundle; what {@link readBundle} showed is what is signed.
 * @returns JSON for `platen fleet import`
 * @throws PlatenError `lists-refused` when it is damaged or asks for another fleet's key
 */
export function signPending(key: FleetKey, json: string): string {
  const bundle = parseBundle(json);
  if (bundle.fleet !== formatPublicKey(key)) throw refused("they belong to another fleet key.");
  const lists = bundle.lists.map((list) => ({
    target: list.target,
    minisig: signList(key, formatList(list.target, list.printers), termsOf(list)),
  }));
  return JSON.stringify({ v: 1, lists }, null, 1);
}

/** @throws PlatenError `lists-refused` */
export function readSigned(json: string): SignedBundle {
  const bundle = parseJson(new TextEncoder().encode(json), BUNDLE_BYTES_MAX, signedSchema);
  if (!bundle) throw refused("this is no file of “platen fleet sign”, or it is damaged.");
  return bundle;
}

export function termsOf({ target, serial, expires, otp, languages }: PendingList): ListTerms {
  return { target, serial, expires, otp, languages };
}

function parseBundle(json: string): z.infer<typeof exportSchema> {
  const bundle = parseJson(new TextEncoder().encode(json), BUNDLE_BYTES_MAX, exportSchema);
  if (!bundle) throw refused("this is no file of “platen fleet export”, or it is damaged.");
  return bundle;
}

export function refused(why: string): PlatenError {
  return new PlatenError("lists-refused", { why });
}
