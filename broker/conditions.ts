/** What agents say of their printers and of themselves: the newest in memory, an opened case in the database too. */
import { CALL_BYTES_MAX, conditionSchema } from "../wire/agent-call.ts";
import { parseJson } from "../wire/json.ts";
import type { BrokerDatabase } from "./database.ts";
import type { AgentCondition, Directory } from "./registry-port.ts";
import type { Warning } from "./warning.ts";

type Incident = "tamper-opened" | "tamper-closed";

/** Of one agent: a switch with a loose contact must not fill the disk. */
const INCIDENTS_MAX = 1000;

export class Conditions {
  readonly #directory: Pick<Directory, "printersOf">;
  readonly #now: () => number;
  readonly #newest = new Map<string, AgentCondition>();
  readonly #last;
  readonly #insert;
  readonly #trim;
  readonly #purge;
  readonly #open;

  /** @param now Unix seconds */
  constructor(database: BrokerDatabase, directory: Pick<Directory, "printersOf">, now: () => number) {
    this.#directory = directory;
    this.#now = now;
    this.#last = database
      .prepare<[string], Incident>("SELECT kind FROM incidents WHERE agent = ? ORDER BY seq DESC LIMIT 1")
      .pluck();
    this.#insert = database.prepare<[string, Incident, number]>(
      "INSERT INTO incidents (agent, kind, at) VALUES (?, ?, ?)",
    );
    this.#trim = database.prepare<[string, string, number]>(
      `DELETE FROM incidents WHERE agent = ? AND seq <=
         (SELECT seq FROM incidents WHERE agent = ? ORDER BY seq DESC LIMIT 1 OFFSET ?)`,
    );
    this.#open = database.prepare<[], { agent: string; at: number }>(
      `SELECT i.agent, i.at FROM incidents i JOIN agents a ON a.name = i.agent AND a.state = 'enrolled'
       WHERE i.kind = 'tamper-opened' AND i.seq = (SELECT max(seq) FROM incidents WHERE agent = i.agent)
       ORDER BY i.agent`,
    );
    this.#purge = database.prepare<[number]>("DELETE FROM incidents WHERE at < ?");
  }

  /** A message on `condition`. What is none is ignored, and so are other agents' printers. */
  take(agent: string, payload: Uint8Array): void {
    const said = parseJson(payload, CALL_BYTES_MAX, conditionSchema);
    if (!said) return;
    const own = new Set(this.#directory.printersOf(agent));
    this.#newest.set(agent, { ...said, printers: said.printers.filter(({ name }) => own.has(name)) });
    const isOpen = said.warnings?.includes("tamper") ?? false;
    if (isOpen === (this.#last.get(agent) === "tamper-opened")) return;
    this.#insert.run(agent, isOpen ? "tamper-opened" : "tamper-closed", this.#now());
    this.#trim.run(agent, agent, INCIDENTS_MAX);
  }

  /** Null: it has not said anything since this broker started. */
  of(agent: string): AgentCondition | null {
    return this.#newest.get(agent) ?? null;
  }

  /** It is trusted no more: what it said counts no more. What happened stays in the audit. */
  forget(agent: string): void {
    this.#newest.delete(agent);
  }

  /**
   * What needs a person: open cases, also of agents that are away or spoke to an earlier run of this broker, and
   * printers of those that are connected.
   */
  warnings(isConnected: (agent: string) => boolean): Warning[] {
    const connected = [...this.#newest].filter(([agent]) => isConnected(agent));
    return [
      ...this.#open.all().map(warnOfCase),
      ...connected.flatMap(([, { printers }]) => printers.flatMap(warnOfPrinter)),
    ];
  }

  purge(before: number): number {
    return this.#purge.run(before).changes;
  }
}

function warnOfCase({ agent, at }: { readonly agent: string; readonly at: number }): Warning {
  const sentence = `The case of the agent “${agent}” was opened and is not closed. Look at it; “platen audit” says when. If it was none of you: platen printer revoke.`;
  return { kind: "tamper", subject: agent, at, sentence };
}

function warnOfPrinter(printer: AgentCondition["printers"][number]): Warning[] {
  const { name: subject, ready, reason, nearEnd, lineErrors, at } = printer;
  const warn = (kind: Warning["kind"], sentence: string): Warning => ({ kind, subject, at, sentence });
  const warnings: Warning[] = [];
  if (ready === "no" && reason !== null)
    warnings.push(warn("printer-care", `“${subject}” cannot print (${reason}). Somebody has to go there.`));
  else if (nearEnd) warnings.push(warn("paper-low", `“${subject}” is nearly out of paper. Have some ready.`));
  if (lineErrors) {
    const sentence = `What “${subject}” says comes damaged over its serial line (${lineErrors.damagedBytes} bytes, ${lineErrors.breaks} breaks). On its computer run: platen doctor`;
    warnings.push(warn("line-errors", sentence));
  }
  return warnings;
}
