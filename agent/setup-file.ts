/**
 * `platen.toml`, the one file a technician puts on the card: from its bytes to settings that hold, or to the mistake in
 * it, told in plain words with its line.
 */
import { z } from "zod";
import { checkKeypadUri } from "../keypad/open-keypad.ts";
import { parseAddress, parseCode } from "../wire/code.ts";
import { knownKeys, parseSettings, repairText } from "../wire/config-file.ts";
import { configSchema } from "./config.ts";
import { checkDeviceUri } from "./open-device.ts";
import { explainSyntax, findLine, setupMistake, unknownKey } from "./setup-mistake.ts";
import { network, ssh, time, wifi } from "./setup-network.ts";
import { decodeSetupText, isBlank } from "./setup-text.ts";

const { printer, keypads, panel, policy, log } = configSchema.shape;

/** The agent's own settings stand here as in agent.toml. */
const setupSchema = z.strictObject({
  /** Of `platen printer add NAME` or `platen printer replace NAME`; erased from the card once it was used. */
  claim: z.string().optional(),
  /** Where the broker is, if not where the claim code says. */
  broker: z.string().refine(isAddress, { error: describeAddress }).optional(),
  wifi: wifi.optional(),
  network: network.optional(),
  time: time.optional(),
  ssh: ssh.optional(),
  printer,
  keypads,
  panel,
  policy,
  log,
});

export type SetupSettings = Omit<z.infer<typeof setupSchema>, "claim"> & {
  /** A whole claim code; null where none stands in the file, or only what is left of a used one. */
  readonly claim: string | null;
};

/** What stands in place of a code that was used (setup-card.ts), whole or cut short by a power cut. */
const USED = /^[A-Za-z0-9_-]*-{8,}$/;

/**
 * @param isEnrolled what is left of a used code is no mistake then, and neither is a missing one
 * @throws PlatenError `setup-mistake`
 */
export function parseSetupFile(bytes: Uint8Array, isEnrolled: boolean): SetupSettings {
  const decoded = decodeSetupText(bytes);
  if ("is" in decoded) throw setupMistake(`This is ${decoded.is}.`);
  const { text } = decoded;
  if (isBlank(text)) throw setupMistake("Nothing is filled in: every line is empty or begins with #.");
  const settings = readSettings(text);
  checkUris(settings, text);
  return { ...settings, claim: checkClaim(settings.claim, text, isEnrolled) };
}

function readSettings(text: string): z.infer<typeof setupSchema> {
  const parsed = setupSchema.safeParse(readToml(text));
  if (parsed.success) return parsed.data;
  const { issues } = parsed.error;
  const issue = issues.find(({ code }) => code === "unrecognized_keys") ?? issues[0];
  if (issue === undefined) throw setupMistake("It cannot be understood.");
  const path = issue.path.map(String);
  if (issue.code === "unrecognized_keys") {
    const full = [...path, issue.keys[0] ?? ""];
    throw unknownKey(full, knownKeys(setupSchema, path) ?? [], findLine(text, full));
  }
  throw setupMistake(describeIssue(path, issue), findLine(text, path));
}

function readToml(text: string): unknown {
  try {
    return parseSettings(text);
  } catch (error) {
    const { line = 1, message } = error as { line?: number; message: string };
    throw explainSyntax(repairText(text), line, message);
  }
}

/** What kind of value a setting wants, where it has another. */
const WANTED: Readonly<Record<string, (key: string) => string>> = {
  string: (key) => `The value must stand in quotation marks: ${key} = "..."`,
  boolean: (key) => `Write ${key} = true or ${key} = false.`,
  array: (key) => `This is a list: ${key} = ["one", "two"].`,
  object: (key) => `This is a table: write [${key}] on a line of its own, and below it what belongs to it.`,
};

function describeIssue(path: readonly string[], issue: z.core.$ZodIssue): string {
  const key = path.findLast((part) => !/^\d+$/.test(part)) ?? "";
  if (path[0] === "printer" && path.length === 2) {
    return issue.code === "invalid_key"
      ? `“${key}” cannot be a printer's name: use a-z, 0-9 and -.`
      : "Say which printer: write [printer.lobby] instead of [printer], with the printer's name instead of lobby.";
  }
  // Our own sentences are whole; what is not needs its subject.
  if (/^[A-Z“].*[."]$/.test(issue.message)) return issue.message;
  if (issue.code === "custom" || issue.code === "invalid_format") return `“${key}” ${issue.message}.`;
  if (issue.code === "invalid_type") {
    if (issue.message.includes("received undefined")) {
      return `[${path.slice(0, -1).join(".")}] needs a line ${key} = "..."`;
    }
    const word = WANTED[issue.expected === "record" ? "object" : issue.expected];
    if (word !== undefined) return word(key);
  }
  return `“${key}”: ${issue.message}.`;
}

function checkClaim(given: string | undefined, text: string, isEnrolled: boolean): string | null {
  if (given === undefined || USED.test(given.trim())) {
    if (isEnrolled) return null;
    throw setupMistake(
      given === undefined
        ? 'The claim code is missing: claim = "platen-claim-..." The broker gives one with: platen printer add NAME'
        : "The claim code was used already. The broker gives a new one with: platen printer replace NAME",
      findLine(text, ["claim"]),
    );
  }
  if (parseCode("claim", given) !== null) return given.replace(/\s+/g, "");
  // Cut short while it was erased.
  if (isEnrolled) return null;
  throw setupMistake(
    /^platen-invite-/.test(given.trim())
      ? "This is an invite for a person who sends. A printer needs a claim code: platen printer add NAME"
      : "The claim code is not whole: a character is missing or changed. Copy it again, from platen-claim- to its end.",
    findLine(text, ["claim"]),
  );
}

function checkUris(
  { printer: printers, keypads: uris = [] }: z.infer<typeof setupSchema>,
  text: string,
): void {
  const check = (path: readonly string[], work: () => void) => {
    try {
      work();
    } catch (error) {
      throw setupMistake((error as Error).message, findLine(text, path));
    }
  };
  for (const [name, { uri }] of Object.entries(printers)) {
    const path = ["printer", name, "uri"];
    if (!/^(?:file|tcp|lp|serial|usb):/.test(uri)) {
      const what =
        'An address begins with usb:, lp:, serial:, tcp: or file:. For the only printer on USB write uri = "usb:"';
      throw setupMistake(what, findLine(text, path));
    }
    check(path, () => checkDeviceUri(uri));
  }
  for (const uri of uris) check(["keypads"], () => checkKeypadUri(uri));
}

function isAddress(address: string): boolean {
  return parseAddress(address) !== null;
}

function describeAddress({ input }: { readonly input?: unknown }): string {
  return /^\w+:\/\//.test(String(input))
    ? 'The broker\'s name stands alone, without https:// or anything like it: broker = "print.example.org"'
    : 'This is no name of a machine: broker = "print.example.org", or with a port "print.example.org:8883".';
}
