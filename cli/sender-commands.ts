/** `platen join`, `jobs`, `follow`, `cancel`: what a sender does beside sending. */
import type { Command } from "commander";
import { isOver } from "../wire/status.ts";
import { act, addExamples, type Context, type GlobalOptions } from "./command-action.ts";
import { EXIT_NOT_PRINTED } from "./failure.ts";
import { interruptible } from "./interruption.ts";
import { watchJobs } from "./job-watch.ts";
import { describeBriefly, describeStatus } from "./job-words.ts";
import { formatMoment } from "./moment.ts";
import { readSecret } from "./secret-input.ts";
import { addSendCommand } from "./send-command.ts";
import { profileDir, withSession } from "./sender-session.ts";
import { layoutTable } from "./table.ts";

const UNTOUCHED = "Stopped; the jobs are as they were.";

export function addSenderCommands(program: Command): void {
  addJoinCommand(program);
  addSendCommand(program);
  program
    .command("jobs")
    .description("list your jobs: those that wait, and those that ended within a day")
    .option("--all", "the ended ones too")
    .action(act<{ all?: boolean }>(showJobs));
  const follow = program
    .command("follow")
    .description("follow a job live to its end; exit status 0 only if it printed")
    .argument("<job>", "its id, from “platen jobs”")
    .action(
      act(async ({ args, options, terminal }) => {
        const printed = await interruptible("Stopped following; the job is as it was.", (signal) =>
          withSession(options, signal, ({ session }) => watchJobs(session, args, terminal, signal)),
        );
        if (!printed) process.exitCode = EXIT_NOT_PRINTED;
      }),
    );
  addExamples(follow, [["platen follow 6f1c0c3e-8a52 --json", "one JSON line per change"]]);
  const cancel = program
    .command("cancel")
    .description("withdraw a job: it is destroyed wherever it is")
    .argument("<job>", "its id, from “platen jobs”")
    .action(act(cancelJobs));
  addExamples(cancel, [
    ["platen cancel 6f1c0c3e-8a52-4f0e-9d51-0a7d2c1b9e55", "it can never be printed any more"],
  ]);
}

function addJoinCommand(program: Command): void {
  const join = program
    .command("join")
    .description("join a broker with the invite of its administrator")
    .argument("[invite]", "the one-time invite; - reads it from stdin, nothing asks for it")
    .option("--replace", "leave the broker joined before")
    .action(
      act<{ replace?: boolean }>(async ({ args, options, terminal }) => {
        const invite = await readSecret(args[0], "invite", terminal);
        const { join: joinBroker } = await import("../client/join.ts");
        const dir = await profileDir(options);
        const { user, address } = await joinBroker(invite, dir, { replace: options.replace ?? false });
        terminal.printJson({ user, address, dir });
        terminal.print(`You are “${user}” at ${address}. Print something: platen send FILE --to PRINTER`);
      }),
    );
  addExamples(join, [
    ["platen join", "asks for the invite, so that it shows neither in ps nor in the shell's history"],
    ["platen join - < invite.txt", "from a file"],
  ]);
}

async function showJobs({ options, terminal }: Context<{ all?: boolean } & GlobalOptions>): Promise<void> {
  const { listJobs } = await import("../client/follow.ts");
  const jobs = await interruptible(UNTOUCHED, (signal) =>
    withSession(options, signal, ({ session }) => listJobs(session)),
  );
  const newest = [...jobs].sort(([, a], [, b]) => b.at - a.at);
  for (const [job, status] of newest) terminal.printJson({ job, ...status });
  const shown = newest.filter(([, status]) => options.all || !isOver(status));
  const ended = newest.length - shown.length;
  const rest = ended === 0 ? "" : `${ended} ended within a day; “platen jobs --all” shows them too.`;
  if (shown.length === 0) return terminal.print(`Nothing of yours waits. ${rest}`.trim());
  const rows = shown.map(([job, status]) => [
    job,
    status.target ?? "",
    formatMoment(status.at),
    describeBriefly(status),
  ]);
  terminal.print(layoutTable(["job", "to", "since", "state"], rows, terminal.width));
  if (rest !== "") terminal.print(`\n${rest}`);
}

async function cancelJobs({ args, options, terminal }: Context<GlobalOptions>): Promise<void> {
  const [job = ""] = args;
  const { cancelJob } = await import("../client/cancel.ts");
  const status = await interruptible(UNTOUCHED, (signal) =>
    withSession(options, signal, ({ session }) => cancelJob(session, job, { signal })),
  );
  terminal.printJson({ job, ...status });
  terminal.print(describeStatus(status));
  if (status.state === "delivered") terminal.print("What was kept to print it again is destroyed.");
  if (status.state !== "cancelled") process.exitCode = EXIT_NOT_PRINTED;
}
