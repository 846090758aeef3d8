/** The broker's log: JSON lines on stderr, each an event of log-events.table.ts. */
import { type DestinationStream, destination, pino } from "pino";
import { LOG_EVENTS, type LogEventName, type LogFields } from "./log-events.table.ts";

export interface Log {
  write<N extends LogEventName>(name: N, fields: LogFields<N>): void;
}

/** @param stream where the lines go; standard error where none is given */
export function openLog(
  level: "debug" | "info" | "warn" | "error",
  stream: DestinationStream = destination({ dest: 2, sync: true }),
): Log {
  const logger = pino({ level, base: { program: "broker" } }, stream);
  return {
    write(name, fields) {
      logger[LOG_EVENTS[name].level]({ event: name, ...fields });
    },
  };
}

/** What may be said of an unexpected error: its code or its class, never its message, which may quote input. */
export function nameError(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}
