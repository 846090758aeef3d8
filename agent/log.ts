/** The agent's log: JSON lines on stderr, every event named in log-events.table.ts. */
import { type DestinationStream, destination, type Logger, pino } from "pino";
import { isPlatenError } from "../wire/error.ts";
import { LOG_EVENTS, type LogEventName } from "./log-events.table.ts";

type LogFields = Readonly<Record<string, string | number | boolean | null>>;

/** What a line is about. */
interface LogSubject {
  readonly user?: string;
  readonly job?: string;
  readonly printer?: string;
  readonly device?: string;
}

export interface Log {
  write(event: LogEventName, fields?: LogFields): void;
  child(subject: LogSubject): Log;
}

/** @param stream where the lines go; stderr, synchronously, by default */
export function openLog(level: string, stream: DestinationStream = destination({ fd: 2, sync: true })): Log {
  return wrap(pino({ level, base: null, messageKey: "event", timestamp: isoTime }, stream));
}

function isoTime(): string {
  return `,"time":"${new Date().toISOString()}"`;
}

function wrap(logger: Logger): Log {
  return {
    write: (event, fields = {}) => logger[LOG_EVENTS[event].level](fields, event),
    child: (subject) => wrap(logger.child(subject)),
  };
}

/** An error as log fields: its code, and for others its system code alone. Messages may hold what must not be logged. */
export function describeError(error: unknown): { code: string; why: string } {
  if (isPlatenError(error)) {
    const { why, retryAfter } = error.details;
    const detail = retryAfter === undefined ? String(why ?? "") : `${why}, again in ${retryAfter} s`;
    return { code: error.code, why: detail };
  }
  const code = (error as NodeJS.ErrnoException | null)?.code;
  return { code: "internal", why: code ?? (error instanceof Error ? error.name : "unknown") };
}
