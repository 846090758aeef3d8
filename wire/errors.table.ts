/**
 * Every error a person can meet: what happened, what it means for the document, what to do.
 * `exit` is the program's exit status (sysexits.h where it has one), `http` the status a gateway would use.
 */
export interface ErrorEntry {
  readonly http: number;
  readonly retry: boolean;
  readonly exit: number;
  readonly sentence: string;
}

export type ErrorCode = keyof typeof table;

const USAGE = 64;
const DATA = 65;
const NO_INPUT = 66;
const UNAVAILABLE = 69;
const SOFTWARE = 70;
const CANNOT_CREATE = 73;
const IO = 74;
const TEMPORARY = 75;
const PROTOCOL = 76;
const NO_PERMISSION = 77;
const CONFIG = 78;

function entry(http: number, exit: number, sentence: string, retry = false): ErrorEntry {
  return { http, exit, sentence, retry };
}

const table = {
  // what people type and configure
  usage: entry(400, USAGE, "{what}"),
  "bad-name": entry(
    400,
    USAGE,
    "“{name}” cannot be a name. Use 1 to 32 of a-z, 0-9 and -, not beginning with -.",
  ),
  "config-unknown-key": entry(
    400,
    CONFIG,
    "{file}: there is no setting “{key}”. Did you mean “{nearest}”? Nothing was started.",
  ),
  "config-invalid": entry(400, CONFIG, "{file}: {what} Nothing was started."),
  "config-unreadable": entry(400, CONFIG, "{file} cannot be read: {why}. Nothing was started."),
  "no-input": entry(400, NO_INPUT, "{file} cannot be read: {why}. Nothing was sent."),
  "not-joined": entry(
    401,
    CONFIG,
    "This machine has not joined a broker. Ask the administrator for an invite and run: platen join INVITE",
  ),
  "not-enrolled": entry(
    401,
    CONFIG,
    "This agent has no certificate yet. On the broker run “platen printer add NAME”, then here: platen agent enrol CODE",
  ),
  "setup-mistake": entry(400, CONFIG, "{where}: {what}"),
  "image-unusable": entry(400, DATA, "The image {image} cannot be used: {why}. Nothing was written."),
  "disk-refused": entry(400, USAGE, "{device} is not written to: {why}. Nothing was changed."),
  "flash-failed": entry(
    500,
    IO,
    "{device} holds no whole image: {why}. Nothing on it can be used; flash it again before it goes into a machine.",
  ),
  "code-malformed": entry(
    400,
    USAGE,
    "This is not a whole {kind} code (a character is missing or changed). Copy it again from “{from}” to its end.",
  ),
  "code-refused": entry(
    403,
    NO_PERMISSION,
    "The broker does not accept this {kind} code: it was used, withdrawn or is too old. Ask the administrator for a new one.",
  ),
  "already-there": entry(409, CANNOT_CREATE, "{what} exists already. Nothing was changed. {hint}"),
  "not-there": entry(404, DATA, "There is no {what}. Nothing was changed. {hint}"),

  // reaching and trusting the broker
  "broker-unreachable": entry(
    503,
    UNAVAILABLE,
    "The broker at {address} does not answer ({why}). Nothing is lost; check the network and try again.",
    true,
  ),
  "broker-untrusted": entry(
    502,
    PROTOCOL,
    "The machine at {address} is not the broker this {what} trusts ({why}). Nothing was sent to it. If the broker was rebuilt, ask the administrator for a new code.",
  ),
  "broker-misbehaves": entry(
    502,
    PROTOCOL,
    "The broker at {address} is not as docs/protocol.md says ({why}), so the connection was cut. Nothing of it was taken in and no document is lost. Tell the administrator: its program, or something in between, is broken or hostile.",
    true,
  ),
  "login-refused": entry(
    401,
    NO_PERMISSION,
    "The broker at {address} refused the login of “{user}”. If it was reset, ask the administrator for a new invite.",
  ),
  "admin-unreachable": entry(
    503,
    UNAVAILABLE,
    "No broker runs with the data directory {dir}. Start it there with “platen broker”, or name another with --data.",
    true,
  ),
  "authority-damaged": entry(
    500,
    CONFIG,
    "The broker's authority in {file} cannot be used ({why}). Nothing was started. Put the file back from a backup: a new authority would lock out every agent and sender.",
  ),
  "certificate-unusable": entry(
    500,
    CONFIG,
    "The certificate of your own cannot be used: {why} Mend tls.cert, tls.key and tls.ca in broker.toml, or remove them to use the broker's own authority.",
  ),
  "csr-refused": entry(
    422,
    PROTOCOL,
    "The certificate request of the agent cannot be used ({why}). Nothing was changed.",
  ),
  "agent-refused": entry(
    403,
    NO_PERMISSION,
    "The agent “{agent}” is revoked or was never enrolled. To let it in again run on the broker: platen printer replace NAME",
  ),
  "fleet-key-unusable": entry(
    500,
    CONFIG,
    "The fleet key in {file} cannot be used ({why}). Nothing was changed. Every sender has pinned the key this broker began with; put that one back.",
  ),
  "lists-refused": entry(
    409,
    DATA,
    "The signed lists were not taken: {why} Nothing was changed. Export and sign again: platen fleet export",
  ),
  "admin-refused": entry(403, NO_PERMISSION, "{what}"),
  timeout: entry(504, TEMPORARY, "No answer from {who} within {seconds} s. {meaning}", true),

  // the recipients list
  "list-missing": entry(
    404,
    DATA,
    "There is no printer or group “{target}” that you can send to. Nothing was sent. Check the name; a new printer is offered once its list is signed (platen fleet sign).",
  ),
  "list-unsigned": entry(
    502,
    PROTOCOL,
    "The recipients list of “{target}” is not signed by the fleet key. Nothing was sent. Tell the administrator: someone may be in the middle.",
  ),
  "list-wrong-target": entry(
    502,
    PROTOCOL,
    "The broker offered the signed list of another target ({listed}) for “{target}”. Nothing was sent. Tell the administrator.",
  ),
  "list-expired": entry(
    502,
    DATA,
    "The signed list of “{target}” ended on {expired}. Nothing was sent. Ask the administrator to run: platen fleet sign",
  ),
  "list-older": entry(
    502,
    PROTOCOL,
    "The list of “{target}” (serial {serial}) is older than one seen before (serial {seen}). Nothing was sent. Tell the administrator: an old list may be replayed.",
  ),
  "list-malformed": entry(
    502,
    PROTOCOL,
    "The recipients list of “{target}” is not as docs/protocol.md says. Nothing was sent. Tell the administrator.",
  ),
  "language-refused": entry(
    415,
    DATA,
    "“{target}” prints {languages}; this document is {language}. Nothing was sent. Convert it, or send it with --raw if you know better.",
  ),

  // a job
  "job-rejected": entry(422, DATA, "The job was refused: {sentence} Nothing is printed."),
  "job-unknown": entry(
    404,
    DATA,
    "There is no job “{job}” of yours at this broker. “platen jobs” lists them.",
  ),
  "not-stored": entry(
    504,
    TEMPORARY,
    "The broker did not confirm the job within {seconds} s. It may still arrive; follow it with: platen jobs",
    true,
  ),
  "document-changed": entry(
    409,
    DATA,
    "{file} changed while it was read. The job was withdrawn; send it again.",
    true,
  ),

  // an agent
  "identity-damaged": entry(
    500,
    CONFIG,
    "This agent's identity does not open: its files are damaged, or the broker keeps the share of another one. What was held here is lost. On the broker run “platen printer replace NAME”, then here, with an empty data directory: platen agent enrol CODE",
  ),
  "call-refused": entry(
    403,
    NO_PERMISSION,
    "The broker refused the agent's call “{call}” ({why}). Nothing is lost; it is tried again.",
    true,
  ),

  // the sealed format
  "seal-header": entry(422, DATA, "This is no age file, or its header is damaged or larger than 64 KiB."),
  "seal-recipient": entry(422, DATA, "This file is not sealed to this printer."),
  "seal-payload": entry(422, DATA, "The sealed document is damaged or cut short. Send it again."),

  // the machine
  "disk-full": entry(507, IO, "The disk that holds {where} is full. {meaning}", true),
  "storage-failed": entry(500, IO, "{where} cannot be written ({why}). {meaning}"),
  "schema-mismatch": entry(
    500,
    CONFIG,
    "{file} was written by another version of Platen (schema {found}, this one needs {needed}). Nothing was changed; install the matching version.",
  ),
  "database-damaged": entry(
    500,
    CONFIG,
    "The database {file} is damaged ({why}). Nothing was reset. {meaning}",
  ),
  "device-uri": entry(400, CONFIG, "“{uri}” is no device this program knows: {why}"),
  "keypad-uri": entry(400, CONFIG, "“{uri}” is no keypad this program knows: {why}"),
  internal: entry(500, SOFTWARE, "Something unexpected happened ({what}). Please report it."),
} as const satisfies Record<string, ErrorEntry>;

export const ERRORS: Readonly<Record<ErrorCode, ErrorEntry>> = table;
