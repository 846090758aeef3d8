/** What a person reads when something went wrong, and the exit status a script reads. */
import { CommanderError } from "commander";
import { isPlatenError, PlatenError } from "../wire/error.ts";
import { ERRORS } from "../wire/errors.table.ts";
import { wordSystemCode } from "./system-words.ts";

export const EXIT_INTERRUPTED = 130;
/** A job that was followed to its end did not come out of a printer. */
export const EXIT_NOT_PRINTED = 1;

export interface Failure {
  readonly exit: number;
  readonly code: string;
  readonly sentence: string;
  readonly details: Readonly<Record<string, string | number | boolean>>;
}

/** Null when it is no failure: help or the version was shown. */
export function describeFailure(error: unknown): Failure | null {
  if (error instanceof CommanderError) return describeUsage(error);
  if (error instanceof Error && error.name === "AbortError") {
    const sentence = isOurs(error) ? error.message : "Stopped.";
    return { exit: EXIT_INTERRUPTED, code: "interrupted", sentence, details: {} };
  }
  const wrongSetting = describeDevice(error) ?? describeListening(error);
  if (wrongSetting) return wrongSetting;
  const known = isPlatenError(error) ? error : new PlatenError("internal", { what: firstLine(error) }, error);
  return {
    exit: known.entry.exit,
    code: known.code,
    sentence: wordSystemCode(known.message, known.details.why),
    details: known.details,
  };
}

/** A wrong device or keypad in the settings: the rooms' own errors, whose messages are sentences already. */
function describeDevice(error: unknown): Failure | null {
  if (!(error instanceof Error) || (error.name !== "DeviceError" && error.name !== "KeypadError"))
    return null;
  const code = "code" in error ? String(error.code) : "internal";
  return { exit: ERRORS["device-uri"].exit, code, sentence: error.message, details: {} };
}

/** The broker's address is taken, not this machine's, or not for this user: Node's error, told as the setting it is. */
function describeListening(error: unknown): Failure | null {
  if (!(error instanceof Error) || !("syscall" in error) || error.syscall !== "listen") return null;
  const { code, port, address } = error as NodeJS.ErrnoException & { port?: number; address?: string };
  const sentence = `The broker cannot listen on ${address ?? "this machine"}, port ${port}: ${code}. Nothing was started. Choose another port under [listen], or end what listens there.`;
  const { exit } = ERRORS["config-invalid"];
  return { exit, code: "config-invalid", sentence: wordSystemCode(sentence, code), details: {} };
}

/** Node words its own AbortErrors for programmers. */
function isOurs(error: Error): boolean {
  return error instanceof DOMException && !error.message.startsWith("This operation was aborted");
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split("\n")[0] || "no reason given";
}

/** Commander's words in the house's manner: a sentence, typographic quotes, what to do next. */
function describeUsage(error: CommanderError): Failure | null {
  if (error.exitCode === 0) return null;
  const usage = { exit: ERRORS.usage.exit, code: "usage", details: {} };
  // A command that needs a subcommand has printed its help already.
  if (error.code === "commander.help") return { ...usage, sentence: "" };
  const [, what = error.message, guess] =
    /^(?:error: )?(.*?)\.?(?:\n\(Did you mean (.*)\?\))?$/s.exec(error.message) ?? [];
  const quoted = what.replace(/'([^']*)'/g, "“$1”");
  const hint = guess ? `Did you mean “${guess}”?` : "See --help.";
  return { ...usage, sentence: `${quoted.charAt(0).toUpperCase()}${quoted.slice(1)}. ${hint}` };
}
