/** Everything the broker logs: the level, the fields, what it means. Never a secret, a document's name or a byte of it. */

export interface LogEvent {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly fields: readonly string[];
  readonly meaning: string;
}

function event<const F extends string>(level: LogEvent["level"], fields: readonly F[], meaning: string) {
  return { level, fields, meaning };
}

export const LOG_EVENTS = {
  "broker-ready": event("info", ["address", "port", "jobs"], "The broker takes connections."),
  "broker-closed": event("info", [], "The broker ended in good order."),
  "connection-cut": event("warn", ["fault", "address"], "A connection went past a limit and was cut."),
  "connection-error": event("debug", ["why", "address"], "A connection ended with an error."),
  "login-refused": event(
    "warn",
    ["fault", "kind", "name", "address"],
    "Someone was not let in. ALARM where the fault is second-session: an agent's certificate came while its session lives; after a dropped connection this passes within 15 s, otherwise its key may be copied.",
  ),
  "agent-here": event("info", ["agent", "address"], "An agent began a session."),
  "agent-away": event("info", ["agent"], "An agent's session ended."),
  "boot-share-released": event("info", ["agent", "address"], "An agent started and got its boot share."),
  "boot-share-new-address": event(
    "error",
    ["agent", "address"],
    "ALARM: an agent asked for its boot share from an address it never used before. If it was not moved, revoke it.",
  ),
  "boot-share-refused": event("error", ["agent", "address", "why"], "ALARM: no boot share was released."),
  "topic-denied": event("warn", ["kind", "name", "topic"], "A session used a topic that is not its own."),
  "call-refused": event("warn", ["agent", "call", "why"], "An agent's call was refused."),
  "event-unknown-job": event("warn", ["agent", "user", "job"], "An agent told of a job it has no copy of."),
  "job-begun": event("info", ["user", "job", "target"], "The first part of a job came in."),
  "job-state": event("info", ["user", "job", "state", "reason"], "A job's state changed."),
  "job-refused": event("info", ["user", "job", "reason"], "A job was refused."),
  "escrow-throttled": event(
    "error",
    ["agent", "retryAfter"],
    "ALARM: an agent asked for shares with wrong tags more often than a keypad can.",
  ),
  "storage-failed": event("error", ["what", "code"], "The disk refused a write."),
  swept: event("debug", ["expired", "abandoned", "cleared", "purged"], "What the sweep ended or removed."),
  recovered: event("info", ["jobs", "receiving", "orphans", "lost"], "What was found at the start."),
  "first-contact": event(
    "info",
    ["kind", "id", "name", "outcome", "address"],
    "A code was used, or refused.",
  ),
  warning: event(
    "warn",
    ["kind", "subject", "sentence"],
    "Something needs a person: the sentence says what.",
  ),
  "internal-error": event("error", ["what", "why"], "Something unexpected; please report it."),
} as const;

export type LogEventName = keyof typeof LOG_EVENTS;
type LogField = string | number | boolean | null;
export type LogFields<N extends LogEventName> = {
  readonly [F in (typeof LOG_EVENTS)[N]["fields"][number]]?: LogField;
};
