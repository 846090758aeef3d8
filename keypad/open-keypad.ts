import { ASCII_START, decodeAscii } from "./ascii.ts";
import { Attachment, type OpenSource } from "./attachment.ts";
import { type HidSystem, loadHidSystem, openHid, parseHidMatch } from "./hid.ts";
import { type Keypad, KeypadError, type KeypadEvents } from "./keypad.ts";
import { openPipe } from "./pipe.ts";
import { decodeReport, REPORT_START } from "./reports.ts";
import { openSerialKeypad } from "./serial.ts";
import { parseSerialLine, SERIAL_OPTIONS } from "./serial-line.ts";
import { type OnBytes, openOwnTerminal, openTerminal } from "./terminal.ts";

export interface KeypadOptions {
  /** How often missing hardware is looked for. */
  readonly pollMs?: number;
  readonly hid?: HidSystem;
}

const POLL_MS = 1000;

/** How one kind of keypad is opened, once its URI was found right. */
type Prepared = (events: KeypadEvents, options: KeypadOptions) => OpenSource;

/**
 * Opens a keypad and keeps it open: `tty:`, `tty:/dev/tty1`, `serial:/dev/ttyUSB0?baud=9600`, `pipe:/run/platen/keys`,
 * `hid:any`, `hid:05fe:1010`, `hid:/dev/hidraw0`. The caller closes it.
 * Hardware that is missing is no error: `onCondition("gone")`, and it is looked for.
 * Rejects with `KeypadError`: `keypad-uri`, or `keypad-unusable` for what is there and cannot be used.
 */
export async function openKeypad(
  uri: string,
  events: KeypadEvents,
  options: KeypadOptions = {},
): Promise<Keypad> {
  const open = prepareKeypad(uri)(events, options);
  return await new Attachment(uri, open, events, options.pollMs ?? POLL_MS).start();
}

/** Refuses a wrong keypad URI without touching any hardware: `KeypadError` `keypad-uri`. For configuration. */
export function checkKeypadUri(uri: string): void {
  prepareKeypad(uri);
}

function prepareKeypad(uri: string): Prepared {
  const match = /^(tty|serial|pipe|hid):([^?]*)(?:\?(.*))?$/.exec(uri);
  const [, scheme, rest = "", query = ""] = match ?? [];
  const path = rest.replace(/^\/\/(?=\/)/, "");
  if (scheme !== "serial" && query !== "") throw wrongUri(uri, "takes no options after ?");
  switch (scheme) {
    case "tty":
      return prepareTerminal(uri, path);
    case "serial":
      return prepareSerial(uri, path, query);
    case "pipe":
      if (!path.startsWith("/")) throw wrongUri(uri, "needs an absolute path, as in pipe:/run/platen/keys");
      return (events) => () => openPipe(path, keysOf(events));
    case "hid":
      return prepareHid(uri, rest);
    default:
      throw wrongUri(uri, "begins with none of tty:, serial:, pipe:, hid:");
  }
}

function prepareTerminal(uri: string, path: string): Prepared {
  if (path !== "" && !path.startsWith("/")) throw wrongUri(uri, "needs an absolute path, or none: tty:");
  return (events) => () => {
    const onBytes = keysOf(events, () => interrupt(events));
    return path === "" ? openOwnTerminal(onBytes) : openTerminal(path, onBytes);
  };
}

function prepareSerial(uri: string, path: string, query: string): Prepared {
  if (!path.startsWith("/"))
    throw wrongUri(uri, "needs an absolute path, as in serial:/dev/ttyUSB0?baud=9600");
  const options = new Map(new URLSearchParams(query));
  for (const name of options.keys()) {
    if (SERIAL_OPTIONS.includes(name)) continue;
    throw wrongUri(uri, `has an unknown option ${name}; use ${SERIAL_OPTIONS.join(", ")}`);
  }
  try {
    const line = parseSerialLine(options);
    return (events) => () => openSerialKeypad(path, line, keysOf(events));
  } catch (cause) {
    throw wrongUri(uri, cause instanceof Error ? `is wrong: ${cause.message}` : "is wrong");
  }
}

function prepareHid(uri: string, rest: string): Prepared {
  const match = parseHidMatch(rest);
  if (match === null) throw wrongUri(uri, "names no device; use hid:any, hid:05fe:1010 or hid:/dev/hidraw0");
  return (events, options) => async () => {
    let down = REPORT_START;
    return await openHid(match, options.hid ?? (await loadHidSystem()), (report) => {
      const step = decodeReport(down, report);
      down = step.state;
      for (const key of step.keys) events.onKey(key);
    });
  };
}

/** A fresh decoder for each opening: half an escape sequence does not survive a replug. */
function keysOf(events: KeypadEvents, onInterrupt?: () => void): OnBytes {
  let state = ASCII_START;
  return (bytes) => {
    const step = decodeAscii(state, bytes);
    state = step.state;
    for (const key of step.keys) {
      if (key.kind === "interrupt") onInterrupt?.();
      else events.onKey(key);
    }
  };
}

function interrupt(events: KeypadEvents): void {
  if (events.onInterrupt !== undefined) events.onInterrupt();
  else process.kill(process.pid, "SIGINT");
}

function wrongUri(uri: string, problem: string): KeypadError {
  return new KeypadError("keypad-uri", `The keypad's URI ${JSON.stringify(uri)} ${problem}.`);
}
