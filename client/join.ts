/** Joining a broker with an invite: the password is drawn here, and known to nobody before the broker is verified. */
import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import { join as joinPath } from "node:path";
import { type FirstContact, parseCode } from "../wire/code.ts";
import { ENROL_BYTES_MAX, inviteReplySchema } from "../wire/enrol.ts";
import { PlatenError } from "../wire/error.ts";
import { exchangeCode, fetchPinnedCa } from "../wire/first-contact.ts";
import { encodeJson, parseJson } from "../wire/json.ts";
import { formatPublicKey } from "../wire/minisign.ts";
import { type Profile, readProfile, readSmall, saveProfile, writePrivate } from "./profile.ts";

const PASSWORD = /^[A-Za-z0-9_-]{43}$/;

export interface JoinOptions {
  readonly timeoutMs?: number;
  /** Leave the broker joined before, if it is another one. */
  readonly replace?: boolean;
}

/**
 * Trades the invite for a login and saves the profile in `dir`. When the answer is lost, calling it again with the
 * same invite asks with the same password, so that the invite is not used up in vain.
 * @throws PlatenError `code-malformed`, `code-refused`, `already-there`, and what fetchPinnedCa and exchangeCode throw
 */
export async function join(invite: string, dir: string, options: JoinOptions = {}): Promise<Profile> {
  const contact = parseCode("invite", invite);
  if (!contact) throw new PlatenError("code-malformed", { kind: "invite", from: "platen-invite-" });
  await refuseOtherBroker(contact, dir, options.replace ?? false);
  const pending = `joining-${contact.id}`;
  const password = await drawPassword(dir, pending);
  const { ca, user } = await trade(contact, password, options.timeoutMs ?? 30_000);
  const { address, fleet } = contact;
  const profile = { address, user, password, ca, fleet: formatPublicKey(fleet) };
  await saveProfile(dir, profile);
  await rm(joinPath(dir, pending), { force: true });
  return profile;
}

/** The user's name for the invite. The pinned CA is kept, whatever the answer says: it is what the invite vouched for. */
async function trade(contact: FirstContact, password: string, timeoutMs: number) {
  const ca = await fetchPinnedCa(contact);
  const answer = await exchangeCode(contact, ca, encodeJson({ password }), { timeoutMs });
  const reply = parseJson(answer, ENROL_BYTES_MAX, inviteReplySchema);
  if (!reply)
    throw new PlatenError("internal", { what: "the broker's answer to the invite is not understood" });
  if (!reply.ok) throw new PlatenError("code-refused", { kind: "invite", said: printable(reply.sentence) });
  return { ca, user: reply.user };
}

async function refuseOtherBroker(contact: FirstContact, dir: string, replace: boolean): Promise<void> {
  const present = await readProfile(dir);
  if (!present || replace || present.fleet === formatPublicKey(contact.fleet)) return;
  throw new PlatenError("already-there", {
    what: `A login of “${present.user}” at ${present.address}`,
    hint: "Use --replace to leave that broker, or another profile folder.",
  });
}

/** The password drawn for this invite before, or a fresh one, saved before it is used. */
async function drawPassword(dir: string, pending: string): Promise<string> {
  const drawn = (await readSmall(joinPath(dir, pending)))?.trim();
  if (drawn && PASSWORD.test(drawn)) return drawn;
  const password = randomBytes(32).toString("base64url");
  await writePrivate(dir, pending, password);
  return password;
}

/** What another machine says goes to a terminal: no control characters. */
function printable(text: string): string {
  return text.replace(/\p{C}/gu, " ");
}
