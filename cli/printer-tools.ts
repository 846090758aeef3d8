/** `platen printer probe` and `platen printer test`: for whoever stands beside the printer. */
import { hostname } from "node:os";
import { type Command, Option } from "commander";
import type { ProbedPrinter } from "../agent/probe.ts";
import type { PageLanguage } from "../agent/test-page.ts";
import { PlatenError } from "../wire/error.ts";
import { choosePrinter, type LocalPrinter, readAgentConfig, readLocalPrinters } from "./agent-settings.ts";
import { act, addExamples, type Context, type GlobalOptions } from "./command-action.ts";
import { formatMoment } from "./moment.ts";
import { formatBytes } from "./size.ts";
import { layoutTable } from "./table.ts";
import type { Terminal } from "./terminal.ts";

const EXIT_NOT_PRINTED = 1;
const LANGUAGES = ["escpos", "pcl", "ps", "text"];

interface TestOptions {
  readonly uri?: string;
  readonly profile?: string;
  readonly language?: PageLanguage;
}

export function addPrinterTools(printer: Command): void {
  const probe = printer
    .command("probe")
    .description("list the printers this machine can reach, with what they say of themselves; prints nothing")
    .action(act(probePrinters));
  addExamples(probe, [["platen printer probe", "what to write into agent.toml"]]);
  const test = printer
    .command("test")
    .description("print a test page on a printer of this machine, in its own language")
    .argument("[name]", "the printer's name in agent.toml; may be left out where there is only one")
    .option("--uri <uri>", "a printer that is not configured: lp:/dev/usb/lp0, usb:, tcp:192.0.2.7")
    .option(
      "--profile <name>",
      "what goes around the page and which language it is in, instead of the configured one",
    )
    .addOption(
      new Option("--language <name>", "the page's language, whatever the profile says").choices(LANGUAGES),
    )
    .action(act(testPrinter));
  addExamples(test, [
    ["platen printer test lobby", "with the settings of agent.toml"],
    ["platen printer test --uri usb: --profile escpos", "before anything is configured"],
  ]);
}

async function probePrinters({ options, terminal }: Context<GlobalOptions>): Promise<void> {
  const [{ probePrinters: probe }, { placesOf }] = await Promise.all([
    import("../agent/probe.ts"),
    import("../agent/examination.ts"),
  ]);
  const config = await readAgentConfig(options);
  const names = (await readLocalPrinters(config)).map(({ name }) => name);
  const found = await probe(placesOf(config, names));
  terminal.printJson(found);
  terminal.print(format(found, terminal));
}

function format(found: readonly ProbedPrinter[], terminal: Terminal): string {
  if (found.length === 0) {
    return "No printer is plugged in or configured. Switch it on and look at its cable; network printers are named by hand: uri = “tcp:192.0.2.7”.";
  }
  const rows = found.map(({ uri, name, model, languages, profile, state }) => [
    name ?? "",
    uri,
    model ?? "",
    languages.join(","),
    profile ?? "",
    state,
  ]);
  const table = layoutTable(["name", "uri", "model", "languages", "profile", "state"], rows, terminal.width);
  const fresh = found.find(({ name, profile }) => name === null && profile !== null);
  if (fresh === undefined) return table;
  const lines = ["[printer.NAME]", `uri = "${fresh.uri}"`, `profile = "${fresh.profile}"`];
  return `${table}\n\nFor agent.toml:\n\n${lines.map((line) => `  ${line}`).join("\n")}`;
}

async function testPrinter({ args, options, terminal }: Context<TestOptions & GlobalOptions>): Promise<void> {
  const printer = await findPrinter(args[0], options);
  const [{ profileOf, isProfileName, PROFILE_NAMES }, pages, { printPage }] = await Promise.all([
    import("../agent/profile.ts"),
    import("../agent/test-page.ts"),
    import("../agent/print-page.ts"),
  ]);
  if (!isProfileName(printer.profile)) {
    throw new PlatenError("usage", {
      what: `There is no profile “${printer.profile}”: ${PROFILE_NAMES.join(", ")}.`,
    });
  }
  const profile = profileOf(printer.profile);
  const language = options.language ?? pages.choosePageLanguage(profile);
  if (language === null)
    throw new PlatenError("usage", { what: "For this profile name the page's --language." });
  await refuseHeld(printer);
  const facts = [
    `printer   ${printer.name}`,
    `address   ${printer.uri}`,
    `profile   ${profile.name}, page in ${language}`,
    `from      ${hostname()}, ${formatMoment(Date.now() / 1000, new Date(0))}`,
  ];
  const page = pages.writeTestPage(language, { title: "Platen test page", facts });
  terminal.note(`Sending a test page (${language}, ${formatBytes(page.length)}) to ${printer.uri} ...`);
  const outcome = await printPage(printer.uri, profile, page, (reason) =>
    terminal.note(`It takes nothing (${reason}). Waiting a minute; Ctrl-C gives up.`),
  );
  await tell(printer, language, outcome, terminal);
}

/** Two programs on one line would print into each other's documents. */
async function refuseHeld({ uri }: LocalPrinter): Promise<void> {
  const [{ parseDeviceUri }, { findHolder }] = await Promise.all([
    import("../agent/device-uri.ts"),
    import("../agent/device-node.ts"),
  ]);
  const { scheme, path } = parseDeviceUri(uri);
  const holder = scheme === "lp" || scheme === "serial" ? findHolder(path) : null;
  if (holder === null) return;
  const units: Readonly<Record<string, string>> = { platen: "platen-agent", cupsd: "cups" };
  const unit = units[holder.name];
  const stop = unit === undefined ? `kill ${holder.pid}` : `systemctl stop ${unit}`;
  const what = `${holder.name} (process ${holder.pid}) has ${path} open. Nothing was sent. Stop it first: ${stop}`;
  throw new PlatenError("usage", { what });
}

async function tell(
  { name, uri }: LocalPrinter,
  language: PageLanguage,
  outcome: Awaited<ReturnType<typeof import("../agent/print-page.ts").printPage>>,
  terminal: Terminal,
): Promise<void> {
  if (outcome.kind === "care") {
    const { wordStatus } = await import("../agent/ask-printer.ts");
    const { what, remedy } = wordStatus(outcome.status);
    terminal.printJson({ name, uri, language, sent: false, state: what });
    terminal.print(terminal.style("yellow", `The printer ${what}. Nothing was sent. ${remedy ?? ""}`.trim()));
    process.exitCode = EXIT_NOT_PRINTED;
    return;
  }
  const { bytes, confirmed } = outcome;
  terminal.printJson({ name, uri, language, sent: true, bytes, confirmed });
  terminal.print(
    confirmed
      ? terminal.style("green", "Printed: the printer confirmed it.")
      : "All of it was handed over; this printer does not say what became of it. Look at the paper: the page names what it should look like.",
  );
}

async function findPrinter(
  name: string | undefined,
  { uri, profile, data }: TestOptions & GlobalOptions,
): Promise<LocalPrinter> {
  if (uri !== undefined) {
    if (name !== undefined) throw new PlatenError("usage", { what: "Name a printer or a --uri, not both." });
    return { name: "-", uri, profile: profile ?? "raw" };
  }
  const config = await readAgentConfig(data === undefined ? {} : { data });
  const found = choosePrinter(await readLocalPrinters(config), name);
  return profile === undefined ? found : { ...found, profile };
}
