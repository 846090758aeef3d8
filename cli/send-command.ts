/** `platen send`: files in, one-time password out. */
import { open } from "node:fs/promises";
import { basename } from "node:path";
import type { Command } from "commander";
import type { DocumentInput } from "../client/document.ts";
import type { Order, Receipt } from "../client/send.ts";
import { PlatenError } from "../wire/error.ts";
import { EXPIRES_MAX_S } from "../wire/limits.ts";
import { act, addExamples, type Context, type GlobalOptions } from "./command-action.ts";
import { EXIT_NOT_PRINTED } from "./failure.ts";
import { interruptible } from "./interruption.ts";
import { watchJobs } from "./job-watch.ts";
import { formatMoment } from "./moment.ts";
import { duration, wholeNumber } from "./number-option.ts";
import { layoutOtp } from "./otp-notice.ts";
import { ProgressBar } from "./progress-bar.ts";
import { type Membership, withSession } from "./sender-session.ts";
import { formatBytes } from "./size.ts";

interface SendOptions {
  readonly to: string;
  readonly copies?: number;
  /** Seconds. */
  readonly expires?: number;
  /** The name given; true: the file's own; false: none. */
  readonly name: string | boolean;
  readonly raw?: boolean;
  readonly job?: string;
  readonly wait?: boolean;
  readonly qr?: boolean;
}

type SendContext = Context<SendOptions & GlobalOptions>;

export function addSendCommand(program: Command): void {
  const send = program
    .command("send")
    .description("seal documents and send them; shows the one-time password to type at the printer")
    .argument("<files...>", "what to print; - reads from stdin")
    .requiredOption("--to <target>", "a printer or a group")
    .option("--copies <n>", "print each so many times, 1 to 99", wholeNumber(1, 99))
    .option("--expires <time>", "destroy it if not printed by then: 30m, 2h, 7d at most", expiry)
    .option("--name <name>", "the name shown at the printer, instead of the file's")
    .option("--no-name", "send no name at all")
    .option("--raw", "print it even if the printer does not name its language")
    .option("--job <id>", "a job id of your own: 8 to 64 letters, digits and -")
    .option("--wait", "follow it to its end; exit status 0 only if it printed")
    .option("--qr", "show the one-time password as a QR code too")
    .action(act<SendOptions>(runSend));
  addExamples(send, [
    ["platen send report.pdf --to lobby", "several files share one one-time password"],
    [
      "platen send a.pdf b.pdf --to anywhere --expires 2h",
      "a group; destroyed if nobody prints it in two hours",
    ],
    ["lpstat -t | platen send - --to lobby --wait", "from a pipe, followed to the end"],
    ["platen send label.prn --to labels --json | jq -r .otp", "in a script"],
  ]);
}

const expiry = duration(60, EXPIRES_MAX_S, "a time of 1m to 7d, like 30m, 2h or 1d");

async function runSend(context: SendContext): Promise<void> {
  const { args, options, terminal } = context;
  await interruptible("Stopped; what was sent of it is withdrawn.", (signal) =>
    withSession(options, signal, async (membership) => {
      const documents = await Promise.all(args.map((file) => readInput(file, context)));
      const receipt = await sendWithProgress(membership, documents, context, signal);
      showReceipt(receipt, context);
      if (!options.wait) return;
      const jobs = receipt.jobs.map(({ job }) => job);
      if (!(await watchJobs(membership.session, jobs, terminal, signal))) process.exitCode = EXIT_NOT_PRINTED;
    }),
  );
}

async function readInput(file: string, { args, options, terminal }: SendContext): Promise<DocumentInput> {
  if (typeof options.name === "string" && args.length > 1) {
    throw new PlatenError("usage", { what: "--name is for a single document. Nothing was sent." });
  }
  const given = typeof options.name === "string" ? options.name : undefined;
  if (file === "-") {
    if (args.indexOf("-") !== args.lastIndexOf("-")) {
      throw new PlatenError("usage", { what: "Stdin can be read only once. Nothing was sent." });
    }
    return { stream: terminal.stdin, name: given };
  }
  const name = given ?? (options.name === true ? basename(file) : undefined);
  return { file, name, language: await sniffFile(file) };
}

/** The language by a file's first bytes; what the file is worth otherwise is for the client to say. */
async function sniffFile(file: string): Promise<string | undefined> {
  const { sniffLanguage, SNIFF_BYTES } = await import("../agent/language.ts");
  const handle = await open(file).catch(() => null);
  if (!handle) return undefined;
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(SNIFF_BYTES), 0, SNIFF_BYTES, 0);
    return bytesRead === 0 ? undefined : sniffLanguage(buffer.subarray(0, bytesRead)).language;
  } catch {
    return undefined;
  } finally {
    await handle.close();
  }
}

async function sendWithProgress(
  { dir, session }: Membership,
  documents: readonly DocumentInput[],
  { args, options, terminal }: SendContext,
  signal: AbortSignal,
): Promise<Receipt> {
  const { sendDocuments } = await import("../client/send.ts");
  const { to: target, copies, raw, job } = options;
  const expires = options.expires === undefined ? undefined : Math.floor(Date.now() / 1000) + options.expires;
  const order: Order = { target, documents, copies, expires, raw, job };
  let current = 0;
  let bar = new ProgressBar(barLabel(args, 0), terminal.stderr);
  try {
    return await sendDocuments(session, dir, order, {
      signal,
      onProgress: (index, done, total) => {
        if (index !== current) bar = new ProgressBar(barLabel(args, index), terminal.stderr);
        current = index;
        bar.update({ done, total });
      },
    });
  } finally {
    bar.clear();
  }
}

function barLabel(files: readonly string[], index: number): string {
  const file = files[index] === "-" ? "stdin" : basename(files[index] ?? "");
  const short = file.length > 28 ? `${file.slice(0, 27)}…` : file;
  return files.length === 1 ? `Sending ${short}` : `Sending ${index + 1} of ${files.length}, ${short}`;
}

function showReceipt(receipt: Receipt, { options, terminal }: SendContext): void {
  terminal.printJson(receipt);
  const { jobs, target, expires } = receipt;
  const size = formatBytes(jobs.reduce((sum, { bytes }) => sum + bytes, 0));
  const what =
    jobs.length === 1 ? `Sent to ${target}, ${size}` : `${jobs.length} documents sent to ${target}, ${size}`;
  const until = expires === null ? "" : ` It is destroyed if nobody types it by ${formatMoment(expires)}.`;
  terminal.print(
    `${what}. One-time password for the keypad there:\n\n${layoutOtp(receipt.otp, terminal, options.qr ?? false)}\n\n` +
      `It is shown only here.${until}`,
  );
  const ids = jobs.map(({ job }) => job);
  if (ids.length === 1) terminal.print(terminal.style("dim", `To withdraw it: platen cancel ${ids[0]}`));
  else
    terminal.print(
      terminal.style("dim", `To withdraw them, each by itself: platen cancel JOB\n  ${ids.join("\n  ")}`),
    );
}
