/** The `platen` command: its tree of commands, and how it ends. Rooms are loaded by the commands that need them. */
import { styleText } from "node:util";
import { Command, CommanderError } from "commander";
import manifest from "../package.json" with { type: "json" };
import { addAgentCommands } from "./agent-commands.ts";
import { addBrokerCommand } from "./broker-command.ts";
import { addCompletionCommand } from "./completion-command.ts";
import { addDemoCommand } from "./demo-command.ts";
import { addDoctorCommand } from "./doctor-command.ts";
import { formatExitStatuses } from "./exit-status.ts";
import { describeFailure } from "./failure.ts";
import { addFleetCommands } from "./fleet-commands.ts";
import { addGroupCommands } from "./group-commands.ts";
import { addImageCommands } from "./image-commands.ts";
import { addInsightCommands } from "./insight-commands.ts";
import { addKeypadCommands } from "./keypad-command.ts";
import { addOddsCommand } from "./odds-command.ts";
import { addPanelCommands } from "./panel-commands.ts";
import { addPrinterCommands } from "./printer-commands.ts";
import { addSenderCommands } from "./sender-commands.ts";
import { widthOf } from "./terminal.ts";
import { addUserCommands } from "./user-commands.ts";
import { wrapText } from "./wrapping.ts";

/** The whole tree; commands in the order people meet them. */
export function createProgram(): Command {
  const program = new Command("platen")
    .description(
      "Secure pull printing: a document is sealed where it is sent, waits unreadable at the printer, and prints when its one-time password is typed there.",
    )
    .version(manifest.version, "-V, --version", "print the version")
    .helpOption("-h, --help", "show help")
    .option("--json", "print JSON on stdout instead of words")
    .option("--data <dir>", "where this program keeps its data")
    .configureHelp({
      showGlobalOptions: true,
      sortSubcommands: false,
      styleTitle: (title) => styleText("bold", title, { stream: process.stdout }),
    })
    .addHelpText(
      "after",
      `\nExit status:\n${formatExitStatuses()}\n\nTry “platen demo” first: broker, printer and sender on this machine, in a minute.`,
    );
  program.commandsGroup("Sending:");
  addSenderCommands(program);
  program.commandsGroup("Administration (on the broker's machine):");
  addPrinterCommands(program);
  addGroupCommands(program);
  addUserCommands(program);
  addFleetCommands(program);
  addInsightCommands(program);
  addOddsCommand(program);
  program.commandsGroup("Programs:");
  addBrokerCommand(program);
  addAgentCommands(program);
  program.commandsGroup("Beside the printer:");
  addDoctorCommand(program);
  addKeypadCommands(program);
  addPanelCommands(program);
  addImageCommands(program);
  program.commandsGroup("Help:");
  addDemoCommand(program);
  addCompletionCommand(program);
  program.helpCommand("help [command]", "show help for a command");
  for (const command of walkCommands(program)) {
    if (command !== program) command.helpOption("-h, --help", "show help").helpCommand(false);
    command.exitOverride().configureOutput({ outputError: () => {} });
  }
  return program;
}

export function* walkCommands(command: Command): Generator<Command> {
  yield command;
  for (const child of command.commands) yield* walkCommands(child);
}

/** Runs one command line; returns the exit status. Never throws. */
export async function runCli(argv: readonly string[]): Promise<number> {
  // `platen jobs | head`: the reader went away, and that is no error of ours.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    throw error;
  });
  try {
    await createProgram().parseAsync(argv, { from: "user" });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    const failure = describeFailure(error);
    if (!failure) return 0;
    if (failure.sentence !== "") reportFailure(failure, argv.includes("--json"));
    if (process.env.PLATEN_DEBUG && !(error instanceof CommanderError)) console.error(error);
    return failure.exit;
  }
}

function reportFailure(failure: NonNullable<ReturnType<typeof describeFailure>>, json: boolean): void {
  if (json) {
    const { exit, code, sentence, details } = failure;
    process.stdout.write(`${JSON.stringify({ error: { code, exit, sentence, details } })}\n`);
  }
  const { stderr } = process;
  const line = `${styleText("red", "platen:", { stream: stderr })} ${failure.sentence}`;
  stderr.write(`${wrapText(line, widthOf(stderr))}\n`);
}
