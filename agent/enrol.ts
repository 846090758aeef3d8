/**
 * A claim code becomes an enrolled agent. Every key is made here and synced before the broker hears of it; the boot
 * share is drawn here, sent, and kept nowhere on the card.
 */
import { X509Certificate } from "node:crypto";
import type { z } from "zod";
import { decodeBase64, encodeBase64 } from "../wire/base64.ts";
import { type FirstContact, parseCode } from "../wire/code.ts";
import { claimReplySchema, type claimRequestSchema, ENROL_BYTES_MAX } from "../wire/enrol.ts";
import { PlatenError } from "../wire/error.ts";
import { fingerprintRecipient } from "../wire/fingerprint.ts";
import { exchangeCode, fetchPinnedCa } from "../wire/first-contact.ts";
import { encodeJson, parseJson } from "../wire/json.ts";
import { formatPublicKey } from "../wire/minisign.ts";
import {
  type EnrolmentRecord,
  prepareDataDir,
  readEnrolmentFile,
  readEnrolmentRecord,
  writeEnrolmentFile,
} from "./enrolment.ts";
import {
  BOOT_SHARE_BYTES,
  drawBytes,
  generateSecrets,
  openSecrets,
  recipientOf,
  sealSecrets,
} from "./identity.ts";
import { dropPendingClaim, readPendingClaim, writePendingClaim } from "./pending-claim.ts";
import { checkCertificate, createCsr, generateTlsKey } from "./tls-key.ts";

export interface EnrolledAgent {
  readonly agent: string;
  readonly printers: readonly string[];
  /** What “platen fleet sign” shows for this agent: a person compares the two. */
  readonly fingerprint: string;
}

/**
 * Enrols this machine. Run again with the same code after a lost answer or a crash, it goes on where it stopped;
 * after success it returns the same again. Nothing is changed where another code enrolled this agent before.
 * @param address `host` or `host:port` of the broker, where it is not what the code says
 * @throws PlatenError `code-malformed`, `code-refused`, `broker-untrusted`, `broker-unreachable`, `timeout`, `already-there`
 */
export async function enrolAgent(
  code: string,
  dataDir: string,
  address: string | null = null,
): Promise<EnrolledAgent> {
  const claim = parseCode("claim", code);
  if (!claim) throw new PlatenError("code-malformed", { kind: "claim", from: "platen-claim-" });
  const contact = { ...claim, address: address ?? claim.address };
  const before = readEnrolmentRecord(dataDir);
  if (before?.code === contact.id) return describe(before);
  if (before) {
    throw new PlatenError("already-there", {
      what: `The agent “${before.agent}” in ${dataDir}`,
      hint: "To enrol this machine anew, move that folder away first.",
    });
  }
  prepareDataDir(dataDir);
  const ca = await fetchPinnedCa(contact);
  const request = await prepareRequest(contact, dataDir);
  const reply = await exchange(contact, ca, request);
  const record = keepReply(contact, dataDir, ca, request, reply);
  dropPendingClaim(contact.id);
  return describe(record);
}

type ClaimRequest = z.infer<typeof claimRequestSchema>;
type ClaimReply = Extract<z.infer<typeof claimReplySchema>, { ok: true }>;

/** The same request as before while its answer is outstanding: the broker repeats its answer only to the same one. */
async function prepareRequest(contact: FirstContact, dataDir: string): Promise<ClaimRequest> {
  const pending = readPendingClaim(contact.id);
  if (pending && belongsHere(pending, dataDir)) return pending;
  const secrets = await generateSecrets();
  const bootShare = drawBytes(BOOT_SHARE_BYTES);
  const key = await generateTlsKey();
  writeEnrolmentFile(dataDir, "key", key);
  writeEnrolmentFile(dataDir, "secrets", sealSecrets(secrets, bootShare));
  const request = {
    csr: await createCsr(key, "platen-agent"),
    recipient: await recipientOf(secrets),
    bootShare: encodeBase64(bootShare),
  };
  writePendingClaim(contact.id, request);
  bootShare.fill(0);
  return request;
}

/** Only with the keys it was made with: those written last open under its boot share. */
function belongsHere(pending: ClaimRequest, dataDir: string): boolean {
  const sealed = readEnrolmentFile(dataDir, "secrets");
  const share = decodeBase64(pending.bootShare);
  if (!sealed || !share) return false;
  try {
    openSecrets(sealed, share);
    return true;
  } catch {
    return false;
  } finally {
    share.fill(0);
  }
}

async function exchange(contact: FirstContact, ca: string, request: ClaimRequest): Promise<ClaimReply> {
  const answer = await exchangeCode(contact, ca, encodeJson(request));
  const reply = parseJson(answer, ENROL_BYTES_MAX, claimReplySchema);
  if (!reply) {
    const why = "its answer to the claim code is not as agreed";
    throw new PlatenError("broker-untrusted", { address: contact.address, what: "agent", why });
  }
  if (!reply.ok) {
    const said = reply.sentence.replace(/\p{C}/gu, "");
    throw new PlatenError("code-refused", { kind: "claim", said });
  }
  return reply;
}

function keepReply(
  contact: FirstContact,
  dataDir: string,
  ca: string,
  request: ClaimRequest,
  reply: ClaimReply,
): EnrolmentRecord {
  const key = new TextDecoder().decode(readEnrolmentFile(dataDir, "key") ?? new Uint8Array());
  checkCertificate(reply.certificate, key, contact.address);
  const record: EnrolmentRecord = {
    v: 1,
    agent: reply.agent,
    address: contact.address,
    printers: reply.printers,
    recipient: request.recipient,
    fleet: formatPublicKey(contact.fleet),
    code: contact.id,
  };
  writeEnrolmentFile(dataDir, "ca", new X509Certificate(ca).toString());
  writeEnrolmentFile(dataDir, "certificate", reply.certificate);
  writeEnrolmentFile(dataDir, "record", encodeJson(record));
  return record;
}

function describe(record: EnrolmentRecord): EnrolledAgent {
  return {
    agent: record.agent,
    printers: record.printers,
    fingerprint: fingerprintRecipient(record.recipient),
  };
}
