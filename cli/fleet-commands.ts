/** `platen fleet ...`: the key that vouches for every printer, on this machine or on one that never meets a network. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { PlatenError } from "../wire/error.ts";
import { askBroker, brokerDir } from "./admin-call.ts";
import { act, addExamples, type Context, type GlobalOptions } from "./command-action.ts";
import { confirm } from "./confirmation.ts";
import { layoutPending } from "./fleet-words.ts";
import { formatMoment } from "./moment.ts";
import { layoutTable } from "./table.ts";

export function addFleetCommands(program: Command): void {
  const fleet = program
    .command("fleet")
    .description("the key that vouches for printers: what it signed, what waits for it");
  const status = fleet
    .command("status")
    .description("show the fleet key, which lists are signed until when, and what waits")
    .action(act(showStatus));
  addExamples(status, [["platen fleet status", "compare the fingerprints with what the agents showed"]]);
  addSign(fleet);
  addElsewhere(fleet);
}

function addSign(fleet: Command): void {
  const sign = fleet
    .command("sign")
    .description("show what waits, printer by printer, and sign it with the fleet key")
    .argument("[bundle]", "lists of “platen fleet export”, where the key is kept apart; - for stdin")
    .option("--key <file>", "the fleet key for a bundle", "fleet.key")
    .option("--output <file>", "where the signatures of a bundle go (default: stdout)")
    .option("--yes", "the fingerprints were compared: do not ask")
    .action(
      act<SignOptions>((context) => (context.args.length === 0 ? signHere(context) : signBundle(context))),
    );
  addExamples(sign, [
    ["platen fleet sign", "with the key that lies at the broker"],
    [
      "platen fleet sign lists.json --key fleet/fleet.key --output signed.json",
      "on the machine that keeps the key",
    ],
  ]);
}

function addElsewhere(fleet: Command): void {
  const init = fleet
    .command("init")
    .description(
      "make a fleet key, on the machine that shall keep it; a broker makes its own at its first start",
    )
    .option("--dir <dir>", "the folder for fleet.key and fleet.pub (default: fleet/ of the broker's data)")
    .action(act<{ dir?: string }>(initFleet));
  addExamples(init, [
    ["platen fleet init --dir ./fleet", "on a machine apart; then put its public key into broker.toml"],
  ]);
  const exporting = fleet
    .command("export")
    .description("print the lists that wait, for the machine that keeps the fleet key")
    .action(
      act(async ({ options, terminal }) => {
        const { bundle } = await askBroker(options, "fleet.export", {});
        terminal.stdout.write(`${bundle}\n`);
      }),
    );
  addExamples(exporting, [
    ["platen fleet export > lists.json", "carry it there, sign it, carry the answer back"],
  ]);
  const importing = fleet
    .command("import")
    .description("take the signatures made elsewhere; each is checked")
    .argument("<file>", "what “platen fleet sign” wrote; - for stdin")
    .action(
      act(async ({ args: [file = ""], options, terminal }) => {
        const { signed } = await askBroker(options, "fleet.import", { bundle: readBundleFile(file) });
        terminal.printJson({ signed });
        terminal.print(describeSigned(signed));
      }),
    );
  addExamples(importing, [
    ["platen fleet import signed.json", "senders are offered these lists from now on"],
  ]);
}

interface SignOptions {
  readonly key: string;
  readonly output?: string;
  readonly yes?: boolean;
}
type SignContext = Context<SignOptions & GlobalOptions>;

/** The broker has the key: a person looks, the broker signs. */
async function signHere({ options, terminal }: SignContext): Promise<void> {
  const { pending } = await askBroker(options, "fleet.status", {});
  if (pending.length === 0) {
    terminal.printJson({ signed: [] });
    terminal.print("Nothing waits for a signature.");
    return;
  }
  terminal.note(layoutPending(pending));
  await confirm("Do the fingerprints agree with what the agents show? Sign?", options.yes ?? false, terminal);
  const { signed } = await askBroker(options, "fleet.sign", {});
  terminal.printJson({ signed });
  terminal.print(describeSigned(signed));
}

/** The key is here and the broker is not: nothing in the bundle is believed but what a person compared. */
async function signBundle({ args: [file = ""], options, terminal }: SignContext): Promise<void> {
  const { readBundle, signPending } = await import("../broker/fleet-bundle.ts");
  const { readFleetKey } = await import("../broker/fleet.ts");
  const bundle = readBundleFile(file);
  const pending = readBundle(bundle);
  const key = readFleetKey(options.key);
  terminal.note(layoutPending(pending));
  await confirm("Do the fingerprints agree with what the agents show? Sign?", options.yes ?? false, terminal);
  const signatures = `${signPending(key, bundle)}\n`;
  if (options.output === undefined) terminal.stdout.write(signatures);
  else {
    writeFileSync(options.output, signatures);
    terminal.note(`Signed. On the broker: platen fleet import ${options.output}`);
  }
}

async function showStatus({ options, terminal }: Context<GlobalOptions>): Promise<void> {
  const status = await askBroker(options, "fleet.status", {});
  terminal.printJson(status);
  const where =
    status.secret === "here" ? "its secret half lies at this broker" : "its secret half is kept elsewhere";
  terminal.print(`Fleet key ${status.publicKey}; ${where}.`);
  const rows = status.lists.map(({ target, state, serial, expires }) => [
    target,
    state === "none" ? "no printer of it came yet" : state,
    serial === null ? "" : String(serial),
    expires === null ? "" : formatMoment(expires),
  ]);
  if (rows.length > 0)
    terminal.print(`\n${layoutTable(["target", "list", "serial", "until"], rows, terminal.width)}`);
  if (status.pending.length > 0) {
    terminal.print(`\n${layoutPending(status.pending)}\n\nSign them with: platen fleet sign`);
  }
}

async function initFleet({ options, terminal }: Context<{ dir?: string } & GlobalOptions>): Promise<void> {
  const dir = options.dir ?? join(await brokerDir(options), "fleet");
  const [{ createFleetFiles }, { formatPublicKey }] = await Promise.all([
    import("../broker/fleet.ts"),
    import("../wire/minisign.ts"),
  ]);
  const publicKey = formatPublicKey(createFleetFiles(dir));
  terminal.printJson({ dir, publicKey });
  terminal.print(
    `The fleet key is made: ${join(dir, "fleet.key")} (secret; keep a copy where it is safe) and fleet.pub.\n\n` +
      `  ${publicKey}\n\n` +
      "To keep the secret half away from the broker, put this into its broker.toml before its first start:\n\n" +
      `  [fleet]\n  publicKey = "${publicKey}"`,
  );
}

function readBundleFile(file: string): string {
  try {
    return readFileSync(file === "-" ? 0 : file, "utf8");
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? "unknown";
    throw new PlatenError("usage", { what: `${file} cannot be read (${why}). Nothing was signed.` }, cause);
  }
}

function describeSigned(signed: readonly string[]): string {
  return signed.length === 0
    ? "Nothing waited for a signature."
    : `Signed: ${signed.join(", ")}. Senders are offered them now.`;
}
