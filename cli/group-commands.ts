/** `platen group ...`: printers under one name. */
import type { Command } from "commander";
import { askBroker } from "./admin-call.ts";
import { act, addExamples } from "./command-action.ts";
import { layoutTable } from "./table.ts";

export function addGroupCommands(program: Command): void {
  const group = program
    .command("group")
    .description("printers under one name: a job prints at whichever its password is typed");
  const add = group
    .command("add")
    .description("make a group of printers")
    .argument("<name>", "the group's name")
    .argument("<printers...>", "the printers in it")
    .action(
      act(async ({ args: [name = "", ...printers], options, terminal }) => {
        const made = await askBroker(options, "group.add", { name, printers });
        terminal.printJson(made);
        terminal.print(`“${made.group}” is a group of ${made.printers.join(", ")}.`);
      }),
    );
  addExamples(add, [["platen group add anywhere lobby labels", "send --to anywhere, print at either"]]);
  group
    .command("list")
    .description("list groups, their printers, and how many digits their passwords have")
    .action(
      act(async ({ options, terminal }) => {
        const { groups } = await askBroker(options, "group.list", {});
        terminal.printJson(groups);
        const rows = groups.map(({ name, printers, offered, otp }) => [
          name,
          printers.join(", "),
          offered ? `${otp} digits` : "not offered yet",
        ]);
        const none = "There is no group. Make one with: platen group add NAME PRINTER...";
        const table = layoutTable(["group", "printers", "password"], rows, terminal.width);
        terminal.print(rows.length === 0 ? none : table);
      }),
    );
  group
    .command("remove")
    .description("remove a group; its printers stay")
    .argument("<name>", "the group")
    .action(
      act(async ({ args: [name = ""], options, terminal }) => {
        terminal.printJson(await askBroker(options, "group.remove", { name }));
        terminal.print(`The group “${name}” is removed; its printers stay.`);
      }),
    );
}
