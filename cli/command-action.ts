/** What every command gets: its arguments, its options, a terminal. */
import type { Command } from "commander";
import { createTerminal, type Terminal } from "./terminal.ts";

export interface Context<O> {
  readonly args: readonly string[];
  readonly options: O;
  readonly terminal: Terminal;
  readonly command: Command;
}

/** Options that stand on the root command and so with every command. */
export interface GlobalOptions {
  readonly json?: boolean;
  readonly data?: string;
}

/** Makes `work` a commander action. What it throws goes up to `runCli`, which words it. */
export function act<O = object>(
  work: (context: Context<O & GlobalOptions>) => Promise<void> | void,
): (...all: unknown[]) => Promise<void> {
  return async (...all) => {
    const command = all.at(-1) as Command;
    const options = command.optsWithGlobals<O & GlobalOptions>();
    await work({
      args: command.args,
      options,
      terminal: createTerminal(options.json ?? false),
      command,
    });
  };
}

/** Examples under a command's help, each with what it does. */
export function addExamples(command: Command, examples: readonly (readonly [string, string])[]): Command {
  const wide = Math.max(...examples.map(([line]) => line.length));
  const lines = examples.map(([line, what]) =>
    wide > 48 ? `  ${line}\n      ${what}` : `  ${line.padEnd(wide)}  ${what}`,
  );
  return command.addHelpText("after", `\nExamples:\n${lines.join("\n")}`);
}
