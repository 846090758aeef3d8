/** `platen printer ...`: where documents can come out. */
import type { Command } from "commander";
import type { AdminResults, PrinterRow } from "../broker/admin-schema.ts";
import { askBroker } from "./admin-call.ts";
import { act, addExamples } from "./command-action.ts";
import { formatMoment } from "./moment.ts";
import { addPrinterTools } from "./printer-tools.ts";
import { layoutTable } from "./table.ts";
import type { Terminal } from "./terminal.ts";

export function addPrinterCommands(program: Command): void {
  const printer = program
    .command("printer")
    .description("add, list, replace, revoke and remove printers; probe and test those of this machine");
  addPrinterAdd(printer);
  const list = printer
    .command("list")
    .description("list printers: their agent, whether it is connected, whether senders are offered them")
    .action(
      act(async ({ options, terminal }) => {
        const { printers } = await askBroker(options, "printer.list", {});
        showPrinters(printers, terminal);
      }),
    );
  addExamples(list, [
    ["platen printer list --json | jq '.[] | select(.connected | not)'", "those that are away"],
  ]);
  addPrinterReplace(printer);
  addPrinterEnds(printer);
  addPrinterTools(printer);
}

function addPrinterAdd(printer: Command): void {
  const add = printer
    .command("add")
    .description("add a printer; prints the one-time code that its agent enrols with")
    .argument("<name>", "its name: 1 to 32 of a-z, 0-9 and -")
    .option("--agent <name>", "an agent that is there already: one more output of the same small computer")
    .action(
      act<{ agent?: string }>(async ({ args: [name = ""], options, terminal }) => {
        const args = options.agent === undefined ? { name } : { name, agent: options.agent };
        const added = await askBroker(options, "printer.add", args);
        showClaim(added, terminal, `“${added.printer}” is added.`);
      }),
    );
  addExamples(add, [
    ["platen printer add lobby", "a printer with an agent of its own"],
    ["platen printer add labels --agent lobby", "a second output of the agent “lobby”"],
  ]);
}

function addPrinterReplace(printer: Command): void {
  const replace = printer
    .command("replace")
    .description("give a printer's place to another computer: the old one is revoked at once, the name stays")
    .argument("<name>", "the printer")
    .action(
      act(async ({ args: [name = ""], options, terminal }) => {
        const replaced = await askBroker(options, "printer.replace", { name });
        showClaim(
          replaced,
          terminal,
          `The old agent of “${name}” is revoked; what waited there is destroyed.`,
        );
      }),
    );
  addExamples(replace, [["platen printer replace lobby", "after its SD card was lost or died"]]);
}

function addPrinterEnds(printer: Command): void {
  const revoke = printer
    .command("revoke")
    .description("withdraw a printer's agent for good: what it holds can never be opened again")
    .argument("<name>", "the printer")
    .action(
      act(async ({ args: [name = ""], options, terminal }) => {
        const { agent, printers } = await askBroker(options, "printer.revoke", { name });
        terminal.printJson({ agent, printers });
        terminal.print(
          `The agent “${agent}” is revoked, and with it ${printers.join(", ")}. What waited there cannot be opened any more, by anyone.`,
        );
      }),
    );
  addExamples(revoke, [["platen printer revoke lobby", "at once, when a card or a Pi was stolen"]]);
  printer
    .command("remove")
    .description("forget a printer that is revoked or was never enrolled; its name is free again")
    .argument("<name>", "the printer")
    .action(
      act(async ({ args: [name = ""], options, terminal }) => {
        terminal.printJson(await askBroker(options, "printer.remove", { name }));
        terminal.print(`“${name}” is removed.`);
      }),
    );
}

type Claim = Pick<AdminResults["printer.add"], "agent" | "code" | "expires">;

function showClaim(claim: Claim, terminal: Terminal, done: string): void {
  terminal.printJson(claim);
  if (claim.code === null || claim.expires === null) {
    terminal.print(
      `${done} It is one more output of the agent “${claim.agent}”; give it a table in that agent's agent.toml.`,
    );
    return;
  }
  terminal.print(
    `${done} Its one-time code, good until ${formatMoment(claim.expires)}:\n\n  ${claim.code}\n\n` +
      "On the printer's computer run “platen agent enrol” and paste it there; for a Raspberry Pi's card it goes into platen.toml as it is.",
  );
}

function showPrinters(printers: readonly PrinterRow[], terminal: Terminal): void {
  terminal.printJson(printers);
  if (printers.length === 0) {
    terminal.print("There is no printer yet. Add one with: platen printer add NAME");
    return;
  }
  terminal.print(layoutPrinters(printers, terminal.width));
}

export function layoutPrinters(printers: readonly PrinterRow[], width: number): string {
  const rows = printers.map((row) => [
    row.name,
    row.agent,
    describePrinter(row),
    describeLanguages(row),
    row.fingerprint ?? "",
  ]);
  return layoutTable(["printer", "agent", "state", "languages", "fingerprint"], rows, width);
}

/** Who also takes what nobody knows takes everything. */
function describeLanguages({ languages }: PrinterRow): string {
  return languages?.includes("unknown") ? "any" : (languages?.join(",") ?? "");
}

function describePrinter({
  state,
  connected,
  offered,
  languages,
  claimUntil,
  condition,
}: PrinterRow): string {
  switch (state) {
    case "waiting":
      return claimUntil === null ? "code ran out" : `code out until ${formatMoment(claimUntil)}`;
    case "revoked":
      return "revoked";
    case "enrolled": {
      const link = connected ? "connected" : "away";
      if (offered) return connected ? `${link}${describeCondition(condition)}` : link;
      if (languages !== null) return `${link}, waits for “platen fleet sign”`;
      return connected ? "not served yet; restart its agent" : "never started";
    }
  }
}

/** Only what somebody has to do something about: most printers say nothing of themselves. */
function describeCondition(condition: PrinterRow["condition"]): string {
  if (condition?.ready === "no") return `, cannot print${condition.reason ? ` (${condition.reason})` : ""}`;
  return condition?.nearEnd ? ", paper low" : "";
}
