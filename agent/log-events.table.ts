/**
 * Every event an agent logs: its name, level and the fields beside `at`, `job`, `user`, `printer`, `device`. This table
 * is also the documentation of the log. No field ever holds an OTP, a key, or a name or byte of a document.
 */
export interface LogEventEntry {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly fields: readonly string[];
  readonly meaning: string;
}

function event(level: LogEventEntry["level"], fields: string, meaning: string): LogEventEntry {
  return { level, fields: fields.split(" ").filter((field) => field !== ""), meaning };
}

const table = {
  // the program; ms since its process began
  starting: event("info", "version agent pid", "the program started"),
  ready: event("info", "ms held", "the identity is open; keypads and printers are served"),
  locked: event("warn", "why", "restarted with the broker away: nothing can be released until it answers"),
  stopping: event("info", "", "a clean stop began"),
  stopped: event("info", "ms", "the last line of a clean stop"),
  unwell: event(
    "error",
    "why",
    "something is stuck: systemd is told nothing more, and starts the program anew",
  ),
  broken: event("error", "code why", "the agent cannot go on by itself"),

  // hands-off set-up (docs/technicians.md)
  "setup-waits": event("info", "step code why", "a step of set-up did not come about yet; it is tried again"),
  "setup-stuck": event("warn", "step why", "set-up waits for a person; panel and card say the same"),
  "setup-enrolled": event("info", "agent", "the claim code made this machine an agent"),

  // the broker
  "link-up": event("info", "ms", "a session with the broker is there"),
  "link-down": event("warn", "code why", "it ended, or a dial failed; the agent dials again"),
  "dial-failed": event("debug", "code why", "another dial failed like the one before"),
  "call-failed": event("warn", "call code why", "a call had no good answer; it is made again"),
  "clock-learned": event("info", "unixSeconds", "the broker told the time"),
  "certificate-renewed": event("info", "until", "a fresh certificate is stored"),
  "certificate-stale": event(
    "warn",
    "until code",
    "it could not be renewed: past its end the agent cannot connect",
  ),
  "printer-unknown": event(
    "warn",
    "",
    "it has settings here, but the broker gives this agent no jobs for it",
  ),

  // documents; ms in Unix milliseconds with a fraction, on a scale that never jumps
  "fetch-ended": event("info", "outcome why", "a transfer from the broker ended"),
  "drop-failed": event("warn", "code why", "a job that ended elsewhere could not be ended here yet"),
  state: event(
    "info",
    "state reason bytes bytesAtMost again ms",
    "a job changed its state; bytesAtMost where it broke off: the printer took something in between; again: a second copy",
  ),
  held: event("info", "bytes ms", "whole, checked, in escrow: it waits for its OTP"),
  entered: event("info", "ms", "its OTP was entered and was right"),
  "first-byte": event("info", "ms", "the first byte went to the printer"),
  "last-byte": event("info", "ms", "the last byte left this machine"),
  destroyed: event("info", "ms", "its key and its spool file are gone here"),
  "events-waiting": event(
    "warn",
    "waiting code",
    "the broker did not take the agent's events; they are kept",
  ),

  // printers
  "printer-status": event(
    "info",
    "ready concerns source",
    "a printer said something new of itself; concerns: paper-out near-end cover-open jam offline error",
  ),
  "line-errors": event(
    "warn",
    "damagedBytes breaks",
    "what a printer on a serial line said came damaged: compare baud and parity with its own, look at the cable",
  ),

  // the keypad
  "keypad-attached": event("info", "keypad", "a keypad is there"),
  "keypad-stuck": event("warn", "keypad", "a key stays down: look at the keypad"),
  "keypad-gone": event("warn", "keypad", "a keypad vanished; it is looked for"),
  "keypad-refused": event("error", "keypad why", "a keypad is there and cannot be used; it is tried again"),
  "entry-refused": event("info", "verdict", "an entry released nothing"),
  "panel-unusable": event("warn", "why", "lamps, buzzer or tamper switch cannot be used; all else goes on"),
  "tamper-opened": event("error", "", "somebody opened the case"),
  "tamper-closed": event("info", "", "the case is closed again"),
  "tries-alarm": event("warn", "failures", "ten failed entries within an hour"),
} as const satisfies Record<string, LogEventEntry>;

export type LogEventName = keyof typeof table;
export const LOG_EVENTS: Readonly<Record<LogEventName, LogEventEntry>> = table;
