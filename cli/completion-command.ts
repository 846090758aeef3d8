/** `platen completion SHELL`. */
import { Argument, type Command } from "commander";
import { act, addExamples } from "./command-action.ts";
import { SHELLS, type Shell, writeCompletion } from "./completion.ts";

export function addCompletionCommand(program: Command): void {
  const command = program
    .command("completion")
    .description("print a completion script for your shell")
    .addArgument(new Argument("<shell>", "your shell").choices(SHELLS))
    .action(
      act(({ args }) => {
        process.stdout.write(writeCompletion(args[0] as Shell, program));
      }),
    );
  addExamples(command, [
    ["source <(platen completion bash)", "complete in this bash"],
    ["platen completion fish > ~/.config/fish/completions/platen.fish", "complete in every fish from now on"],
  ]);
}
