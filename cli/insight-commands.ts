/** `platen status` and `platen audit`: what the running broker knows. */
import type { Command } from "commander";
import type { AuditEntry } from "../broker/registry-port.ts";
import { askBroker } from "./admin-call.ts";
import { act, addExamples, type Context, type GlobalOptions } from "./command-action.ts";
import { formatDuration } from "./duration.ts";
import { formatMoment } from "./moment.ts";
import { pastTime, wholeNumber } from "./number-option.ts";
import { formatBounds } from "./size.ts";
import { layoutTable } from "./table.ts";

/** The broker's own bound. */
const AUDIT_LINES_MAX = 2000;

interface AuditOptions {
  readonly user?: string;
  readonly printer?: string;
  /** Unix seconds. */
  readonly since?: number;
  readonly limit: number;
}

export function addInsightCommands(program: Command): void {
  const status = program
    .command("status")
    .description("how the broker is: jobs, sessions, and what it warns of")
    .action(act(showStatus));
  addExamples(status, [["platen status --json | jq -e '.warnings == []'", "for monitoring"]]);
  const audit = program
    .command("audit")
    .description("who sent what size where, when, and what became of it; never the name of a document")
    .option("--user <name>", "only this sender's")
    .option("--printer <name>", "only at this printer")
    .option("--since <when>", "a day, a time, or how long ago: 2026-11-20, 2h, 7d", pastTime)
    .option("--limit <n>", "at most so many lines, the newest", wholeNumber(1, AUDIT_LINES_MAX), 100)
    .action(act(showAudit));
  addExamples(audit, [
    ["platen audit --since 7d --user alice", "a week of alice's"],
    ["platen audit --json --limit 2000 > ledger.jsonl", "one JSON line per entry"],
  ]);
}

async function showAudit({ options, terminal }: Context<AuditOptions & GlobalOptions>): Promise<void> {
  const { user, printer, since, limit } = options;
  const query = {
    limit,
    ...(user && { user }),
    ...(printer && { printer }),
    ...(since !== undefined && { since }),
  };
  const { entries } = await askBroker(options, "audit", query);
  for (const entry of entries) terminal.printJson(entry);
  if (entries.length === 0) {
    terminal.print("The ledger has nothing of the kind.");
    return;
  }
  terminal.print(layoutAudit(entries, terminal.width));
}

export function layoutAudit(entries: readonly AuditEntry[], width: number): string {
  const rows = entries.map((entry) => [
    formatMoment(entry.at),
    entry.user ?? "",
    entry.printer ?? entry.target,
    describeSize(entry),
    describeEntry(entry),
    entry.job ?? "",
  ]);
  return layoutTable(["when", "who", "where", "size", "state", "job"], rows, width);
}

/** What was cut short says how much the printer took, or that nobody knows. */
function describeSize({ state, bytes, bytesAtMost }: AuditEntry): string {
  if (bytes === null) return state === "interrupted" ? "unknown" : "";
  return formatBounds(bytes, bytesAtMost ?? bytes);
}

function describeEntry({ state, reason, again }: AuditEntry): string {
  const notes = [reason, again && "second copy"].filter(Boolean).join(", ");
  return notes === "" ? state : `${state} (${notes})`;
}

async function showStatus({ options, terminal }: Context<GlobalOptions>): Promise<void> {
  const status = await askBroker(options, "status", {});
  terminal.printJson(status);
  const { address, uptimeSeconds, counts, warnings } = status;
  const lines = [
    ["address", address],
    ["running for", formatDuration(uptimeSeconds)],
    ...Object.entries(counts).map(([what, count]) => [splitWords(what), count.toLocaleString("en")]),
  ];
  const wide = Math.max(...lines.map(([what = ""]) => what.length));
  terminal.print(lines.map(([what = "", value]) => `${what.padEnd(wide)}  ${value}`).join("\n"));
  const none = terminal.style("green", "No warnings.");
  const told = warnings.map(({ sentence }) => terminal.style("yellow", sentence)).join("\n");
  terminal.print(`\n${told || none}`);
}

/** `liveJobs` as `live jobs`. */
function splitWords(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
