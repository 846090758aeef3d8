/** Which certificates are good: each one given is a row, revoked by row, renewed for the key the agent enrolled with. */
import { timingSafeEqual } from "node:crypto";
import { PlatenError } from "../wire/error.ts";
import type { BrokerAuthority } from "./authority.ts";
import { type AgentKey, type IssuedCertificate, readCsr } from "./authority-certificates.ts";
import type { BrokerDatabase } from "./database.ts";
import type { AgentCertificates } from "./registry-port.ts";
import type { Warning } from "./warning.ts";

const YEAR_S = 365 * 86_400;
const WARN_S = 30 * 86_400;

interface EnrolledRow {
  readonly recipient: string;
  readonly key_hash: Buffer;
}

export class CertificateRegister implements AgentCertificates {
  readonly #database: BrokerDatabase;
  readonly #authority: Pick<BrokerAuthority, "issueAgent">;
  readonly #now: () => number;

  constructor(database: BrokerDatabase, authority: Pick<BrokerAuthority, "issueAgent">, now: () => number) {
    this.#database = database;
    this.#authority = authority;
    this.#now = now;
  }

  async renew(agent: string, csrPem: string): Promise<string> {
    const key = await readCsr(csrPem);
    const enrolled = this.#enrolled(agent);
    if (!timingSafeEqual(enrolled.key_hash, key.hash)) {
      throw new PlatenError("csr-refused", { why: "it is for another key than the agent enrolled with" });
    }
    const present = this.#newest(agent);
    if (present && present.not_after - this.#now() > YEAR_S / 3) return present.pem;
    const issued = await this.#authority.issueAgent(agent, key);
    // It may have been revoked or replaced while the certificate was made.
    const still = this.#enrolled(agent);
    if (!timingSafeEqual(still.key_hash, key.hash)) throw new PlatenError("agent-refused", { agent });
    this.record(agent, still.recipient, key, issued);
    return issued.pem;
  }

  accepts(agent: string, certificateSerialHex: string): boolean {
    const row = this.#database
      .prepare(
        `SELECT 1 FROM agent_certificates c JOIN agents a ON a.name = c.agent AND a.state = 'enrolled'
         WHERE c.serial = ? AND c.agent = ? AND c.revoked = 0 AND c.not_after > ?`,
      )
      .get(certificateSerialHex.toLowerCase(), agent, this.#now());
    return row !== undefined;
  }

  /** Notes a certificate before it is handed out: one that is not noted is not accepted. */
  record(agent: string, recipient: string, key: AgentKey, issued: IssuedCertificate): void {
    this.#database
      .prepare(
        `INSERT INTO agent_certificates (serial, agent, recipient, key_hash, pem, not_after)
         VALUES (?, ?, ?, ?, ?, ?)`,
      )
      .run(issued.serial, agent, recipient, Buffer.from(key.hash), issued.pem, issued.notAfter);
  }

  /** The newest certificate of an agent, to be given again when the answer was lost. */
  present(agent: string): string | null {
    return this.#newest(agent)?.pem ?? null;
  }

  /** Call inside the transaction that revokes the agent. */
  revokeAll(agent: string): void {
    this.#database.prepare("UPDATE agent_certificates SET revoked = 1 WHERE agent = ?").run(agent);
  }

  /** True when a certificate was ever given for this recipient or key: an identity never comes back under a new code. */
  isUsed(recipient: string, key: AgentKey): boolean {
    const row = this.#database
      .prepare("SELECT 1 FROM agent_certificates WHERE recipient = ? OR key_hash = ?")
      .get(recipient, Buffer.from(key.hash));
    return row !== undefined;
  }

  isClockDoubtful(): boolean {
    const last = this.#database
      .prepare(
        `SELECT max(c.not_after) FROM agents a JOIN agent_certificates c ON c.agent = a.name AND c.revoked = 0
         WHERE a.state = 'enrolled'`,
      )
      .pluck()
      .get() as number | null;
    return last !== null && last < this.#now();
  }

  /** Agents that did not come to renew: away for months. */
  warnings(): Warning[] {
    if (this.isClockDoubtful()) {
      const day = new Date(this.#now() * 1000).toISOString().slice(0, 10);
      const sentence = `By this machine's clock (${day}) the certificate of every agent has ended, so none can connect. If the clock is wrong, set it: until then no job expires. If it is right, run: platen printer replace`;
      return [{ kind: "clock-doubtful", subject: "broker", at: this.#now(), sentence }];
    }
    const rows = this.#database
      .prepare(
        `SELECT a.name, max(c.not_after) AS ends FROM agents a
         JOIN agent_certificates c ON c.agent = a.name AND c.revoked = 0
         WHERE a.state = 'enrolled' GROUP BY a.name HAVING ends < ?`,
      )
      .all(this.#now() + WARN_S) as { name: string; ends: number }[];
    return rows.map(({ name, ends }) => {
      const day = new Date(ends * 1000).toISOString().slice(0, 10);
      const hasEnded = ends <= this.#now();
      const sentence = hasEnded
        ? `The certificate of the agent “${name}” ended on ${day}: it is let in no more. What it holds can still be printed there; then run: platen printer replace`
        : `The certificate of the agent “${name}” ends on ${day}. Connect the agent before, it renews itself; after that it needs: platen printer replace`;
      return { kind: "agent-certificate-ending", subject: name, at: ends, sentence };
    });
  }

  #enrolled(agent: string): EnrolledRow {
    const row = this.#database
      .prepare("SELECT recipient, key_hash FROM agents WHERE name = ? AND state = 'enrolled'")
      .get(agent);
    if (row === undefined) throw new PlatenError("agent-refused", { agent });
    return row as EnrolledRow;
  }

  #newest(agent: string): { readonly pem: string; readonly not_after: number } | null {
    const row = this.#database
      .prepare(
        `SELECT pem, not_after FROM agent_certificates WHERE agent = ? AND revoked = 0
         ORDER BY not_after DESC, rowid DESC LIMIT 1`,
      )
      .get(agent);
    return (row as { pem: string; not_after: number } | undefined) ?? null;
  }
}
