/** `platen user ...`: who may send. */
import type { Command } from "commander";
import type { UserAccess, UserRow } from "../broker/admin-schema.ts";
import { askBroker } from "./admin-call.ts";
import { act, addExamples } from "./command-action.ts";
import { formatMoment } from "./moment.ts";
import { layoutTable } from "./table.ts";
import type { Terminal } from "./terminal.ts";

const STANDARD = "--standard";
const STANDARD_MEANING = "for standard tools (age, mosquitto_pub, minisign): a password instead of an invite";

export function addUserCommands(program: Command): void {
  const user = program
    .command("user")
    .description("invite, list, reset and remove senders; cancel their jobs");
  addUserAdd(user);
  user
    .command("list")
    .description("list who may send")
    .action(
      act(async ({ options, terminal }) => {
        const { users } = await askBroker(options, "user.list", {});
        showUsers(users, terminal);
      }),
    );
  addUserEnds(user);
}

function addUserAdd(user: Command): void {
  const add = user
    .command("add")
    .description("let someone send; prints a one-time invite")
    .argument("<name>", "their name: 1 to 32 of a-z, 0-9 and -")
    .option(STANDARD, STANDARD_MEANING)
    .action(
      act<{ standard?: boolean }>(async ({ args: [name = ""], options, terminal }) => {
        showAccess(
          await askBroker(options, "user.add", { name, standard: options.standard ?? false }),
          terminal,
        );
      }),
    );
  addExamples(add, [
    ["platen user add alice", "she runs “platen join” on her machine and pastes the invite"],
    ["platen user add erp --standard > erp.txt", "address, user, password, fleet key, CA for a script"],
  ]);
  const reset = user
    .command("reset")
    .description("end someone's password and print a new invite; their waiting jobs stay")
    .argument("<name>", "the user")
    .option(STANDARD, STANDARD_MEANING)
    .action(
      act<{ standard?: boolean }>(async ({ args: [name = ""], options, terminal }) => {
        const standard = options.standard ?? false;
        showAccess(await askBroker(options, "user.reset", { name, standard }), terminal);
      }),
    );
  addExamples(reset, [
    ["platen user reset alice", "a new machine, or a lost laptop: the old one is shut out at once"],
  ]);
}

function addUserEnds(user: Command): void {
  user
    .command("remove")
    .description("remove a sender; their waiting jobs are cancelled")
    .argument("<name>", "the user")
    .action(
      act(async ({ args: [name = ""], options, terminal }) => {
        const removed = await askBroker(options, "user.remove", { name });
        terminal.printJson(removed);
        const jobs = removed.cancelled === 1 ? "1 job" : `${removed.cancelled} jobs`;
        const rest = "What prints just now comes out; a printer that is cut off lets go once it is back.";
        terminal.print(
          `“${name}” is removed; ${jobs} of theirs cancelled.${removed.cancelled > 0 ? ` ${rest}` : ""}`,
        );
      }),
    );
  user
    .command("cancel")
    .description("cancel a waiting job of a sender, in their place")
    .argument("<name>", "the user")
    .argument("<job>", "the job's id, from “platen audit”")
    .action(
      act(async ({ args: [name = "", job = ""], options, terminal }) => {
        terminal.printJson(await askBroker(options, "jobs.cancel", { user: name, job }));
        terminal.print(`The job ${job} of “${name}” is cancelled.`);
      }),
    );
}

function showUsers(users: readonly UserRow[], terminal: Terminal): void {
  terminal.printJson(users);
  if (users.length === 0) {
    terminal.print("Nobody may send yet. Invite someone with: platen user add NAME");
    return;
  }
  const rows = users.map((row) => [row.name, describeUser(row), formatMoment(row.createdAt)]);
  terminal.print(layoutTable(["user", "state", "since"], rows, terminal.width));
}

function describeUser({ joined, standard, inviteUntil }: UserRow): string {
  if (standard) return "standard tools";
  if (joined) return "joined";
  return inviteUntil === null ? "invite ran out" : `invited until ${formatMoment(inviteUntil)}`;
}

function showAccess(access: UserAccess, terminal: Terminal): void {
  terminal.printJson(access);
  if (access.kind === "invite") {
    terminal.print(
      `One-time invite for “${access.user}”, good until ${formatMoment(access.expires)}:\n\n  ${access.code}\n\n` +
        "Give it to them in person or over a channel you trust. On their machine they run “platen join” and paste it.",
    );
    return;
  }
  const { user, password, address, fleet, ca } = access;
  terminal.print(
    `“${user}” can send with standard tools, as docs/protocol.md tells. The password is shown this once.\n\n` +
      `address    ${address}\nuser       ${user}\npassword   ${password}\nfleet key  ${fleet}\n\n${ca.trimEnd()}`,
  );
}
