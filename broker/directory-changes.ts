/** What administrators change: printers, their agents, groups. Each function is one transaction; lists are refreshed by the caller. */
import { PlatenError } from "../wire/error.ts";
import { isName } from "../wire/name.ts";
import type { CertificateRegister } from "./agent-certificates.ts";
import type { ContactCodes } from "./codes.ts";
import type { BrokerDatabase } from "./database.ts";
import type { BootShares } from "./registry-port.ts";

export type AgentState = "waiting" | "enrolled" | "revoked";

/** As many as a ticket names (wire/agent-call.ts). */
const PRINTERS_MAX = 64;

export class DirectoryChanges {
  readonly #database: BrokerDatabase;
  readonly #codes: Pick<ContactCodes, "withdraw">;
  readonly #certificates: Pick<CertificateRegister, "revokeAll">;
  readonly #bootShares: Pick<BootShares, "drop">;

  constructor(
    database: BrokerDatabase,
    codes: Pick<ContactCodes, "withdraw">,
    certificates: Pick<CertificateRegister, "revokeAll">,
    bootShares: Pick<BootShares, "drop">,
  ) {
    this.#database = database;
    this.#codes = codes;
    this.#certificates = certificates;
    this.#bootShares = bootShares;
  }

  /**
   * Adds a printer at `agent`, or with a new agent of its own name. @returns the agent and whether it needs a claim code
   * @throws PlatenError `bad-name`, `already-there`, `not-there`, `admin-refused`
   */
  addPrinter(name: string, agent: string | null, now: number): { agent: string; fresh: boolean } {
    return this.#database.transaction(() => {
      this.#addTarget(name, "printer", now);
      const owner = agent ?? name;
      if (agent === null) this.#addAgent(name, now);
      else this.#checkRoom(agent);
      this.#database.prepare("INSERT INTO printers (name, agent) VALUES (?, ?)").run(name, owner);
      return { agent: owner, fresh: agent === null };
    })();
  }

  /** The agent behind a printer. @throws PlatenError `not-there` */
  agentOf(printer: string): { name: string; state: AgentState; printers: string[] } {
    const row = this.#database
      .prepare("SELECT a.name, a.state FROM printers p JOIN agents a ON a.name = p.agent WHERE p.name = ?")
      .get(printer) as { name: string; state: AgentState } | undefined;
    if (!row) throw unknownPrinter(printer);
    const printers = this.#database
      .prepare("SELECT name FROM printers WHERE agent = ? ORDER BY name")
      .pluck()
      .all(row.name) as string[];
    return { ...row, printers };
  }

  /**
   * Ends what an agent was: first its boot share, so that no crash leaves a card worth stealing; then certificates,
   * claim code and recipient. With `waiting` its name is free for the next enrolment.
   */
  resetAgent(agent: string, state: "waiting" | "revoked"): void {
    this.#bootShares.drop(agent);
    this.#database.transaction(() => {
      this.#codes.withdraw("claim", agent);
      this.#certificates.revokeAll(agent);
      this.#database
        .prepare(
          "UPDATE agents SET state = ?, recipient = NULL, key_hash = NULL, enrolled_at = NULL WHERE name = ?",
        )
        .run(state, agent);
      // Another machine may speak other languages: it is offered again once it said which.
      this.#database.prepare("UPDATE printers SET languages = NULL WHERE agent = ?").run(agent);
    })();
  }

  /**
   * Forgets a printer, and its agent with its last one. Only where nothing can be waiting any more.
   * @throws PlatenError `not-there`, `admin-refused` while its agent is enrolled
   */
  removePrinter(name: string): void {
    const agent = this.agentOf(name);
    if (agent.state === "enrolled") {
      const what = `The agent “${agent.name}” of “${name}” is enrolled. Nothing was changed. Run first: platen printer revoke ${name}`;
      throw new PlatenError("admin-refused", { what });
    }
    this.#database.transaction(() => {
      this.#database.prepare("DELETE FROM targets WHERE name = ?").run(name);
      if (agent.printers.length > 1) return;
      this.#codes.withdraw("claim", agent.name);
      this.#database.prepare("DELETE FROM agents WHERE name = ?").run(agent.name);
    })();
  }

  /** @throws PlatenError `bad-name`, `already-there`, `not-there` */
  addGroup(name: string, printers: readonly string[], now: number): void {
    this.#database.transaction(() => {
      this.#addTarget(name, "group", now);
      const insert = this.#database.prepare("INSERT INTO group_printers VALUES (?, ?)");
      for (const printer of new Set(printers)) {
        this.agentOf(printer);
        insert.run(name, printer);
      }
    })();
  }

  /** @throws PlatenError `not-there` */
  removeGroup(name: string): void {
    const removed = this.#database.prepare("DELETE FROM targets WHERE name = ? AND kind = 'group'").run(name);
    if (removed.changes === 0) {
      throw new PlatenError("not-there", {
        what: `group “${name}”`,
        hint: "“platen group list” shows them.",
      });
    }
  }

  #addTarget(name: string, kind: "printer" | "group", now: number): void {
    if (!isName(name)) throw new PlatenError("bad-name", { name: name });
    const added = this.#database
      .prepare("INSERT INTO targets (name, kind, created_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
      .run(name, kind, now);
    if (added.changes === 1) return;
    const hint = `Printers and groups share their names. For another machine behind a printer run: platen printer replace ${name}`;
    throw new PlatenError("already-there", { what: `A printer or group “${name}”`, hint });
  }

  #addAgent(name: string, now: number): void {
    const added = this.#database
      .prepare("INSERT INTO agents (name, state, created_at) VALUES (?, 'waiting', ?) ON CONFLICT DO NOTHING")
      .run(name, now);
    if (added.changes === 1) return;
    const hint = `To let it print there too run: platen printer add ${name} --agent ${name}`;
    throw new PlatenError("already-there", { what: `An agent “${name}”`, hint });
  }

  #checkRoom(agent: string): void {
    const row = this.#database
      .prepare(
        "SELECT a.state, count(p.name) AS printers FROM agents a LEFT JOIN printers p ON p.agent = a.name WHERE a.name = ? GROUP BY a.name",
      )
      .get(agent) as { state: AgentState; printers: number } | undefined;
    if (!row) {
      const hint = "“platen printer list” shows each printer's agent.";
      throw new PlatenError("not-there", { what: `agent “${agent}”`, hint });
    }
    if (row.state === "revoked") throw new PlatenError("agent-refused", { agent });
    if (row.printers >= PRINTERS_MAX) {
      throw new PlatenError("admin-refused", { what: `An agent has at most ${PRINTERS_MAX} printers.` });
    }
  }
}

function unknownPrinter(name: string): PlatenError {
  const what = `printer “${name}”`;
  return new PlatenError("not-there", { what, hint: "“platen printer list” shows them." });
}
