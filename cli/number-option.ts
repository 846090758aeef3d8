/** Option values that are numbers or times; what cannot be one is a usage error that says what could. */
import { InvalidArgumentError } from "commander";
import { parseDuration } from "./duration.ts";

/** A commander parser for whole numbers from `min` to `max`. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^[0-9]{1,9}$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Use a whole number from ${min} to ${max}`);
  };
}

/** A commander parser for durations; seconds. */
export function duration(minSeconds: number, maxSeconds: number, meaning: string): (text: string) => number {
  return (text) => {
    const seconds = parseDuration(text);
    if (seconds !== null && seconds >= minSeconds && seconds <= maxSeconds) return seconds;
    throw new InvalidArgumentError(`Use ${meaning}`);
  };
}

/** `2026-11-20`, an ISO time, or a duration back from now; Unix seconds. */
export function pastTime(text: string): number {
  const back = parseDuration(text);
  if (back !== null) return Math.floor(Date.now() / 1000) - back;
  const at = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(at)) return Math.floor(at / 1000);
  throw new InvalidArgumentError(
    "Use a day (2026-11-20), a time (2026-11-20T14:00) or how long ago (2h, 7d)",
  );
}
