/**
 * The signed recipients list of a target: an `age -R` file and its minisign signature, whose trusted comment says
 * what the list is good for. What a sender checks before a document is sealed to anyone.
 */
import { z } from "zod";
import { PlatenError } from "./error.ts";
import { LIST_BYTES_MAX } from "./limits.ts";
import { type FleetKey, type FleetPublicKey, signMessage, verifyMessage } from "./minisign.ts";
import { isName } from "./name.ts";

/** What the fleet key vouches for. `expires` in Unix seconds; `otp` in digits; languages as in language names. */
export interface ListTerms {
  readonly target: string;
  readonly serial: number;
  readonly expires: number;
  readonly otp: number;
  readonly languages: readonly string[];
}

export interface RecipientsList extends ListTerms {
  /** One age recipient (`age1...`) per printer. */
  readonly recipients: readonly string[];
}

/** One printer's line in a list. */
export interface ListedPrinter {
  readonly printer: string;
  readonly recipient: string;
}

const RECIPIENT = /^age1[a-z0-9]{20,4000}$/;
const LANGUAGE = /^[a-z0-9][a-z0-9-]{0,15}$/;
const terms = z.object({
  target: z.string().refine(isName),
  serial: z.coerce.number().int().min(1),
  expires: z.coerce.number().int().min(1),
  otp: z.coerce.number().int().min(8).max(12),
  languages: z.string().transform((text) => text.split(",").filter((word) => LANGUAGE.test(word))),
});

/** The text of the list: what `age -R` reads. */
export function formatList(target: string, printers: readonly ListedPrinter[]): string {
  const lines = printers.map(({ printer, recipient }) => `# ${printer}\n${recipient}\n`);
  return `# platen recipients of ${target}\n${lines.join("")}`;
}

/** `platen target=lobby serial=3 expires=1795000000 otp=8 languages=pdf,pcl` */
export function formatTerms(list: ListTerms): string {
  const { target, serial, expires, otp, languages } = list;
  return `platen target=${target} serial=${serial} expires=${expires} otp=${otp} languages=${languages.join(",")}`;
}

/** Null when the comment is not of this form. Unknown `key=value` words are ignored. */
export function parseTerms(comment: string): ListTerms | null {
  const [first, ...words] = comment.split(" ");
  if (first !== "platen") return null;
  const parsed = terms.safeParse(Object.fromEntries(words.map((word) => word.split("=", 2))));
  return parsed.success ? parsed.data : null;
}

export function signList(key: FleetKey, list: string, listTerms: ListTerms): string {
  return signMessage(key, new TextEncoder().encode(list), formatTerms(listTerms));
}

/**
 * Checks a list before anything is sealed to it.
 * @param seenSerial the highest serial this sender has seen for the target, 0 if none
 * @param now Unix seconds
 * @throws PlatenError `list-malformed`, `list-unsigned`, `list-wrong-target`, `list-expired`, `list-older`
 */
export function verifyList(
  fleet: FleetPublicKey,
  offered: { readonly target: string; readonly list: Uint8Array; readonly minisig: Uint8Array },
  seenSerial: number,
  now: number,
): RecipientsList {
  const { target, list, minisig } = offered;
  if (list.length > LIST_BYTES_MAX || minisig.length > LIST_BYTES_MAX) {
    throw new PlatenError("list-malformed", { target });
  }
  const comment = verifyMessage(fleet, list, new TextDecoder().decode(minisig));
  if (comment === null) throw new PlatenError("list-unsigned", { target });
  const listed = parseTerms(comment);
  if (!listed) throw new PlatenError("list-malformed", { target });
  if (listed.target !== target) throw new PlatenError("list-wrong-target", { target, listed: listed.target });
  if (listed.expires <= now) {
    throw new PlatenError("list-expired", { target, expired: formatDay(listed.expires) });
  }
  if (listed.serial < seenSerial) {
    throw new PlatenError("list-older", { target, serial: listed.serial, seen: seenSerial });
  }
  const recipients = new TextDecoder()
    .decode(list)
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  if (recipients.length === 0 || !recipients.every((line) => RECIPIENT.test(line))) {
    throw new PlatenError("list-malformed", { target });
  }
  return { ...listed, recipients };
}

function formatDay(unixSeconds: number): string {
  return new Date(Math.min(unixSeconds * 1000, 8.64e15)).toISOString().slice(0, 10);
}
