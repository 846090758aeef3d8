/** Who and what there is: printers, agents, groups, users, as the relay asks for them. Changes are in directory-changes.ts. */
import type { UserAccounts } from "./accounts.ts";
import type { BrokerDatabase } from "./database.ts";
import type { SignedLists } from "./lists.ts";
import type { Directory, HelloPrinter, Target, TargetPrinter } from "./registry-port.ts";

/** As lists carry them (wire/recipients.ts). */
const LANGUAGE = /^[a-z0-9][a-z0-9-]{0,15}$/;
const LANGUAGES_MAX = 32;

/** The printers a signed list names, as long as the agent that was signed for is still the one behind the name. */
const TARGET_PRINTERS = `
  SELECT p.name AS printer, p.agent
  FROM signed_lists s, json_each(s.printers) j
  JOIN printers p ON p.name = j.value ->> 'printer'
  JOIN agents a ON a.name = p.agent AND a.state = 'enrolled' AND a.recipient = j.value ->> 'recipient'
  WHERE s.target = ? ORDER BY p.name`;

export class PrinterDirectory implements Directory {
  readonly #database: BrokerDatabase;
  readonly #accounts: Pick<UserAccounts, "exists">;
  readonly #lists: Pick<SignedLists, "refresh">;

  constructor(
    database: BrokerDatabase,
    accounts: Pick<UserAccounts, "exists">,
    lists: Pick<SignedLists, "refresh">,
  ) {
    this.#database = database;
    this.#accounts = accounts;
    this.#lists = lists;
  }

  target(name: string): Target | null {
    const row = this.#database
      .prepare("SELECT otp, languages FROM signed_lists WHERE target = ? AND offered = 1")
      .get(name) as { otp: number; languages: string } | undefined;
    if (!row) return null;
    const printers = this.#database.prepare(TARGET_PRINTERS).all(name) as TargetPrinter[];
    if (printers.length === 0) return null;
    return { name, printers, otp: row.otp, languages: JSON.parse(row.languages) as string[] };
  }

  agent(name: string): { readonly name: string; readonly revoked: boolean } | null {
    const row = this.#database.prepare("SELECT state FROM agents WHERE name = ?").get(name);
    return row === undefined ? null : { name, revoked: (row as { state: string }).state !== "enrolled" };
  }

  printersOf(agent: string): string[] {
    const names = this.#database
      .prepare("SELECT name FROM printers WHERE agent = ? ORDER BY name")
      .pluck()
      .all(agent);
    return names as string[];
  }

  userExists(name: string): boolean {
    return this.#accounts.exists(name);
  }

  recordHello(agent: string, printers: readonly HelloPrinter[]): void {
    // Only an enrolled agent's own printers; a name that is not its own changes no row.
    const update = this.#database.prepare(`
      UPDATE printers SET languages = @languages, raw = @raw
      WHERE name = @name AND agent = @agent
        AND EXISTS (SELECT 1 FROM agents WHERE name = @agent AND state = 'enrolled')
        AND (languages IS NOT @languages OR raw IS NOT @raw)`);
    const changed = this.#database.transaction(() =>
      printers.map(({ name, languages, raw }) => {
        const known = [...new Set(languages.filter((word) => LANGUAGE.test(word)))].sort();
        const row = {
          name,
          agent,
          languages: JSON.stringify(known.slice(0, LANGUAGES_MAX)),
          raw: raw ? 1 : 0,
        };
        return update.run(row).changes;
      }),
    )();
    if (changed.some((rows) => rows > 0)) this.#lists.refresh();
  }
}
