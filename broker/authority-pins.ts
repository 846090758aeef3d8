/** Which CA those pinned who came in before: when the broker shows another one, they will refuse it, and someone must hear of it. */
import type { BrokerDatabase } from "./database.ts";
import type { Warning } from "./warning.ts";

export function pinAgent(database: BrokerDatabase, agent: string, caFingerprint: Uint8Array): void {
  const hex = Buffer.from(caFingerprint).toString("hex");
  database.prepare("UPDATE agents SET pinned_ca = ? WHERE name = ?").run(hex, agent);
}

export function pinUser(database: BrokerDatabase, user: string, caFingerprint: Uint8Array): void {
  const hex = Buffer.from(caFingerprint).toString("hex");
  database.prepare("UPDATE accounts SET pinned_ca = ? WHERE name = ?").run(hex, user);
}

/** One warning while anybody trusts another CA than the one the broker shows. */
export function warnOfPins(database: BrokerDatabase, caFingerprint: Uint8Array, now: number): Warning[] {
  const hex = Buffer.from(caFingerprint).toString("hex");
  const names = database
    .prepare(
      `SELECT 'agent ' || name FROM agents WHERE state = 'enrolled' AND pinned_ca <> @hex
       UNION ALL SELECT 'user ' || name FROM accounts WHERE password IS NOT NULL AND pinned_ca <> @hex
       ORDER BY 1`,
    )
    .pluck()
    .all({ hex }) as string[];
  if (names.length === 0) return [];
  const shown = names.slice(0, 3).join(", ") + (names.length > 3 ? ` and ${names.length - 3} more` : "");
  const sentence = `The broker shows another CA than the one ${shown} trust: they will not connect. Go back to the former certificate, or run platen printer replace and platen user reset for each.`;
  return [{ kind: "authority-changed", subject: "broker", at: now, sentence }];
}
