/**
 * The first contact: a claim code becomes an agent with a certificate and a boot share, an invite becomes a user's
 * password. Everything is durable before the answer leaves; the same request is answered again for an hour.
 */
import { timingSafeEqual } from "node:crypto";
import { Encrypter } from "age-encryption";
import type { z } from "zod";
import { decodeBase64 } from "../wire/base64.ts";
import type { CodeKind } from "../wire/code.ts";
import {
  type claimReplySchema,
  claimRequestSchema,
  ENROL_BYTES_MAX,
  type inviteReplySchema,
  inviteRequestSchema,
} from "../wire/enrol.ts";
import { isPlatenError, PlatenError } from "../wire/error.ts";
import { encodeJson, parseJson } from "../wire/json.ts";
import type { UserAccounts } from "./accounts.ts";
import { hashPassword } from "./accounts-password.ts";
import type { CertificateRegister } from "./agent-certificates.ts";
import type { BrokerAuthority } from "./authority.ts";
import { type AgentKey, readCsr } from "./authority-certificates.ts";
import { pinAgent, pinUser } from "./authority-pins.ts";
import type { CodeRow, ContactCodes } from "./codes.ts";
import type { BrokerDatabase } from "./database.ts";
import type { BootShares, Enrolment } from "./registry-port.ts";

/** The parts of the registry a first contact touches. */
export interface EnrolmentParts {
  readonly database: BrokerDatabase;
  readonly codes: Pick<ContactCodes, "find" | "use">;
  readonly accounts: Pick<UserAccounts, "exists" | "hasPassword" | "setPassword">;
  readonly authority: Pick<BrokerAuthority, "caPem" | "caFingerprint" | "issueAgent">;
  readonly certificates: Pick<CertificateRegister, "record" | "present" | "isUsed">;
  readonly bootShares: BootShares;
  readonly printersOf: (agent: string) => string[];
  readonly now: () => number;
}

/** Something a log should keep: a code was used, or refused though its secret was right. Nothing secret in it. */
export interface ContactNotice {
  readonly kind: CodeKind;
  readonly id: string;
  readonly subject: string | null;
  readonly address: string;
  readonly outcome: "done" | "repeated" | "refused";
}

type ClaimReply = z.infer<typeof claimReplySchema>;
type InviteReply = z.infer<typeof inviteReplySchema>;
type ClaimRequest = z.infer<typeof claimRequestSchema>;

const SENTENCES = {
  malformed: "The request is not as docs/protocol.md says. The two programs may be of different versions.",
  used: "The code was used by another request, withdrawn, or is too old. Ask the administrator for a new one.",
  recycled:
    "These keys were enrolled before. Begin with an empty data directory, so that fresh ones are made.",
  recipient: "The age recipient in the request is none that a document can be sealed to.",
  failed: "The broker could not keep the enrolment. Run the same command again; the code stays good.",
} as const;

class Refusal extends Error {
  readonly sentence: string;
  constructor(sentence: string) {
    super(sentence);
    this.sentence = sentence;
  }
}

export class FirstContacts implements Enrolment {
  readonly #parts: EnrolmentParts;
  readonly #notice: (notice: ContactNotice) => void;

  constructor(parts: EnrolmentParts, notice: (notice: ContactNotice) => void) {
    this.#parts = parts;
    this.#notice = notice;
  }

  async handle(kind: CodeKind, id: string, payload: Uint8Array, address: string): Promise<Uint8Array> {
    return encodeJson(await this.#answer(kind, id, payload, address));
  }

  async #answer(
    kind: CodeKind,
    id: string,
    payload: Uint8Array,
    address: string,
  ): Promise<ClaimReply | InviteReply> {
    const code = this.#parts.codes.find(kind, id);
    const notice = (outcome: ContactNotice["outcome"]) =>
      this.#notice({ kind, id, subject: code?.subject ?? null, address, outcome });
    try {
      if (!code) throw new Refusal(SENTENCES.used);
      const reply = kind === "claim" ? await this.#claim(code, payload) : await this.#invite(code, payload);
      notice(code.usedAt === null ? "done" : "repeated");
      return reply;
    } catch (error) {
      notice("refused");
      return { ok: false, sentence: sentenceOf(error) };
    }
  }

  async #claim(code: CodeRow, payload: Uint8Array): Promise<ClaimReply> {
    const request = parseJson(payload, ENROL_BYTES_MAX, claimRequestSchema);
    const share = decodeBase64(request?.bootShare ?? "");
    if (!request || share?.length !== 32) throw new Refusal(SENTENCES.malformed);
    const key = await readCsr(request.csr);
    if (code.usedAt === null) await this.#enrol(code, request, key, share);
    else this.#checkSame(code.subject, request, key, share);
    share.fill(0);
    const certificate = this.#parts.certificates.present(code.subject);
    if (certificate === null) throw new Refusal(SENTENCES.used);
    return {
      ok: true,
      agent: code.subject,
      printers: this.#parts.printersOf(code.subject),
      certificate,
      ca: this.#parts.authority.caPem,
    };
  }

  async #enrol(code: CodeRow, request: ClaimRequest, key: AgentKey, share: Uint8Array): Promise<void> {
    const { database, codes, authority, certificates, bootShares, now } = this.#parts;
    if (!canSealTo(request.recipient)) throw new Refusal(SENTENCES.recipient);
    if (certificates.isUsed(request.recipient, key)) throw new Refusal(SENTENCES.recycled);
    const agent = code.subject;
    const issued = await authority.issueAgent(agent, key);
    // Used or withdrawn while the certificate was made. From here on nothing waits, so nothing comes between.
    if (codes.find("claim", code.id)?.usedAt !== null) throw new Refusal(SENTENCES.used);
    // Before the code is used up: without its share an agent's identity would be locked for ever.
    bootShares.put(agent, share);
    try {
      database.transaction(() => {
        const enrolled = database
          .prepare(
            `UPDATE agents SET state = 'enrolled', recipient = ?, key_hash = ?, enrolled_at = ?
             WHERE name = ? AND state = 'waiting'`,
          )
          .run(request.recipient, Buffer.from(key.hash), now(), agent);
        if (!codes.use(code.id) || enrolled.changes !== 1) throw new Refusal(SENTENCES.used);
        pinAgent(database, agent, authority.caFingerprint);
        certificates.record(agent, request.recipient, key, issued);
      })();
    } catch (error) {
      bootShares.drop(agent);
      throw error;
    }
  }

  /** An answer is repeated only to who has the same key, recipient and share. */
  #checkSame(agent: string, request: ClaimRequest, key: AgentKey, share: Uint8Array): void {
    const row = this.#parts.database
      .prepare("SELECT recipient, key_hash FROM agents WHERE name = ? AND state = 'enrolled'")
      .get(agent) as { recipient: string; key_hash: Buffer } | undefined;
    const kept = this.#parts.bootShares.get(agent);
    const same =
      row !== undefined &&
      kept !== null &&
      row.recipient === request.recipient &&
      timingSafeEqual(row.key_hash, key.hash) &&
      timingSafeEqual(kept, share);
    kept?.fill(0);
    if (!same) throw new Refusal(SENTENCES.used);
  }

  async #invite(code: CodeRow, payload: Uint8Array): Promise<InviteReply> {
    const { accounts, codes, database, authority } = this.#parts;
    const request = parseJson(payload, ENROL_BYTES_MAX, inviteRequestSchema);
    if (!request) throw new Refusal(SENTENCES.malformed);
    const user = code.subject;
    if (code.usedAt !== null) {
      if (!(await accounts.hasPassword(user, request.password))) throw new Refusal(SENTENCES.used);
    } else {
      const phc = await hashPassword(request.password);
      database.transaction(() => {
        // Withdrawn while argon2 ran: the user was removed or reset.
        if (!codes.use(code.id) || !accounts.exists(user)) throw new Refusal(SENTENCES.used);
        accounts.setPassword(user, phc);
        pinUser(database, user, authority.caFingerprint);
      })();
    }
    return { ok: true, user, ca: authority.caPem };
  }
}

/** A recipient nobody can seal to would spoil the list of every target it is in. */
function canSealTo(recipient: string): boolean {
  try {
    new Encrypter().addRecipient(recipient);
    return true;
  } catch {
    return false;
  }
}

function sentenceOf(error: unknown): string {
  if (error instanceof Refusal) return error.sentence;
  if (isPlatenError(error, "csr-refused")) return new PlatenError("csr-refused", error.details).message;
  return SENTENCES.failed;
}
