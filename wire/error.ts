/** The one error class, and the table that says what each code means to a person. */
import { ERRORS, type ErrorCode, type ErrorEntry } from "./errors.table.ts";

/** Details that may be shown and logged: never a secret, a document name or a document byte. */
export type SafeDetails = Readonly<Record<string, string | number | boolean>>;

/**
 * An error with a code of {@link ERRORS}. Branch on `code`, never on `message`.
 * `message` is the table's sentence with `{field}` filled from `details`, control characters replaced.
 */
export class PlatenError extends Error {
  readonly code: ErrorCode;
  readonly details: SafeDetails;

  constructor(code: ErrorCode, details: SafeDetails = {}, cause?: unknown) {
    super(fillSentence(ERRORS[code].sentence, details), cause === undefined ? {} : { cause });
    this.name = "PlatenError";
    this.code = code;
    this.details = details;
  }

  /** Whether trying again unchanged may help, the exit status, the HTTP status. */
  get entry(): ErrorEntry {
    return ERRORS[this.code];
  }
}

function fillSentence(sentence: string, details: SafeDetails): string {
  return sentence.replace(/\{(\w+)\}/g, (whole, field: string) =>
    toPrintable(String(details[field] ?? whole)),
  );
}

/** What people typed or sent may hold anything; a terminal must not obey it. */
function toPrintable(text: string): string {
  return text.replace(/[\p{Cc}\u202A-\u202E\u2066-\u2069]/gu, "\uFFFD");
}

export function isPlatenError(error: unknown, code?: ErrorCode): error is PlatenError {
  return error instanceof PlatenError && (code === undefined || error.code === code);
}
