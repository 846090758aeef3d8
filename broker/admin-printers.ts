/** `platen printer` and `platen group` at the broker's end. */
import { fingerprintRecipient } from "../wire/fingerprint.ts";
import type { AdminHandlers } from "./admin-ops.ts";
import type { AdminOp, GroupRow, PrinterCondition, PrinterRow } from "./admin-schema.ts";
import type { AgentState } from "./directory-changes.ts";
import type { Registry } from "./registry.ts";
import type { RelayActions } from "./registry-port.ts";

type PrinterOps = AdminHandlers<Extract<AdminOp, `printer.${string}` | `group.${string}`>>;

export function printerOps(registry: Registry, relay: RelayActions): PrinterOps {
  const { changes, codes, lists, now } = registry;
  /** At once, also for a replacement: the usual reason is a lost or broken machine, and what it holds cannot move anyway. */
  const end = (printer: string, state: "waiting" | "revoked") => {
    const { name: agent, printers } = changes.agentOf(printer);
    changes.resetAgent(agent, state);
    relay.revokeAgent(agent);
    lists.refresh();
    return { agent, printers };
  };
  return {
    "printer.add": ({ name, agent }) => {
      const added = changes.addPrinter(name, agent ?? null, now());
      lists.refresh();
      const fresh = added.fresh ? codes.issue("claim", added.agent) : { code: null, expires: null };
      return { printer: name, agent: added.agent, ...fresh };
    },
    "printer.list": () => ({ printers: readPrinters(registry, relay) }),
    "printer.revoke": ({ name }) => end(name, "revoked"),
    "printer.replace": ({ name }) => {
      const ended = end(name, "waiting");
      return { ...ended, ...codes.issue("claim", ended.agent) };
    },
    "printer.remove": ({ name }) => {
      changes.removePrinter(name);
      lists.refresh();
      return { printer: name };
    },
    "group.add": ({ name, printers }) => {
      changes.addGroup(name, printers, now());
      lists.refresh();
      return { group: name, printers: [...new Set(printers)] };
    },
    "group.list": () => ({ groups: readGroups(registry) }),
    "group.remove": ({ name }) => {
      changes.removeGroup(name);
      lists.refresh();
      return { group: name };
    },
  };
}

interface StoredPrinter {
  readonly name: string;
  readonly agent: string;
  readonly state: AgentState;
  readonly recipient: string | null;
  readonly languages: string | null;
  readonly groups: string;
}

function readPrinters({ database, directory, codes }: Registry, relay: RelayActions): PrinterRow[] {
  const rows = database
    .prepare(
      `SELECT p.name, p.agent, a.state, a.recipient, p.languages,
         (SELECT json_group_array(group_name) FROM group_printers WHERE printer = p.name) AS groups
       FROM printers p JOIN agents a ON a.name = p.agent ORDER BY p.name`,
    )
    .all() as StoredPrinter[];
  return rows.map(({ recipient, languages, groups, ...row }) => ({
    ...row,
    connected: relay.isConnected(row.agent),
    offered: directory.target(row.name) !== null,
    languages: languages === null ? null : (JSON.parse(languages) as string[]),
    fingerprint: recipient === null ? null : fingerprintRecipient(recipient),
    groups: JSON.parse(groups) as string[],
    claimUntil: codes.pendingUntil("claim", row.agent),
    condition: readCondition(relay, row),
  }));
}

function readCondition(
  relay: RelayActions,
  { agent, name }: Pick<PrinterRow, "agent" | "name">,
): PrinterCondition | null {
  const said = relay.condition(agent)?.printers.find((printer) => printer.name === name);
  if (!said) return null;
  const { name: _, ...condition } = said;
  return condition;
}

function readGroups({ database, directory }: Registry): GroupRow[] {
  const rows = database
    .prepare(
      `SELECT t.name, (SELECT json_group_array(printer) FROM group_printers WHERE group_name = t.name) AS printers
       FROM targets t WHERE t.kind = 'group' ORDER BY t.name`,
    )
    .all() as { name: string; printers: string }[];
  return rows.map(({ name, printers }) => {
    const target = directory.target(name);
    return {
      name,
      printers: JSON.parse(printers) as string[],
      offered: target !== null,
      otp: target?.otp ?? null,
    };
  });
}
