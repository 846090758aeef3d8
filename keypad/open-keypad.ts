import { ASCII_START, decodeAscii } from "./ascii.ts";
import { Attachment, type OpenSource } from "./attachment.ts";
import { type EvdevListener, openEvdev, parseEvdevMatch } from "./evdev.ts";
import { decodeEvdev, EVDEV_START } from "./evdev-events.ts";
import { HeldKeys } from "./held-keys.ts";
import {
  type HidInfo,
  type HidListener,
  type HidSystem,
  loadHidSystem,
  openHid,
  parseHidMatch,
} from "./hid.ts";
import { type Keypad, KeypadError, type KeypadEvents } from "./keypad.ts";
import { openPipe } from "./pipe.ts";
import { parseReportDescriptor } from "./report-descriptor.ts";
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
 * `hid:any`, `hid:05fe:1010`, `hid:/dev/hidraw0`, `evdev:any`, `evdev:gpio-keys`, `evdev:/dev/input/event0`. The
 * caller closes it. What `hid:` and `evdev:` open is taken from the console and everybody else.
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
  const match = /^(tty|serial|pipe|hid|evdev):([^?]*)(?:\?(.*))?$/.exec(uri);
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
    case "evdev":
      return prepareEvdev(uri, path);
    default:
      throw wrongUri(uri, "begins with none of tty:, serial:, pipe:, hid:, evdev:");
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
  return (events, options) => async () =>
    await openHid(
      match,
      options.hid ?? (await loadHidSystem()),
      (device) => hearReports(events, device),
      options.pollMs,
    );
}

function prepareEvdev(uri: string, rest: string): Prepared {
  const match = parseEvdevMatch(rest);
  if (match === null) {
    throw wrongUri(uri, "names no device; use evdev:any, evdev:gpio-keys or evdev:/dev/input/event0");
  }
  return (events, options) => () => openEvdev(match, () => hearEvents(events), options.pollMs);
}

/** Decoders begin anew with every opening: what was down when the cable came out is forgotten. */
function hearReports(events: KeypadEvents, { descriptor }: HidInfo): HidListener {
  const layout = descriptor ? parseReportDescriptor(descriptor) : null;
  const held = heldKeys(events);
  let down = REPORT_START;
  return {
    onReport(report) {
      const step = decodeReport(down, report, layout);
      down = step.state;
      held.see(down);
      for (const key of step.keys) events.onKey(key);
    },
    end: () => held.end(),
  };
}

function hearEvents(events: KeypadEvents): EvdevListener {
  const held = heldKeys(events);
  let state = EVDEV_START;
  return {
    onBytes(bytes) {
      const step = decodeEvdev(state, bytes);
      state = step.state;
      held.see(state.down);
      for (const key of step.keys) events.onKey(key);
    },
    end: () => held.end(),
  };
}

function heldKeys(events: KeypadEvents): HeldKeys {
  return new HeldKeys((isStuck) => events.onCondition(isStuck ? "stuck" : "attached"));
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
  const message = `The keypad's URI ${JSON.stringify(uri)} ${problem}.`;
  // An option's name or value may be anything, and a terminal would obey it.
  return new KeypadError("keypad-uri", message.replace(/[\0-\x1f\x7f-\x9f]/g, "?"));
}
