/** What a failing disk means for a document, in one place: the codes of the kernel and of SQLite as ours. */
import { isPlatenError, PlatenError } from "../wire/error.ts";

const DAMAGED = /^SQLITE_(?:CORRUPT|NOTADB)/;
const DAMAGED_MEANING =
  "Documents held here may be lost. The card may be failing: replace it and enrol anew; or move the folder of this file away and start again.";
const FULL: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT", "SQLITE_FULL"]);

/** @param meaning a sentence: what it means for the document and what to do */
export function faultOfStorage(cause: unknown, where: string, meaning: string): PlatenError {
  if (isPlatenError(cause)) return cause;
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  if (FULL.has(code)) return new PlatenError("disk-full", { where, meaning }, cause);
  if (DAMAGED.test(code)) {
    return new PlatenError("database-damaged", { file: where, why: code, meaning: DAMAGED_MEANING }, cause);
  }
  return new PlatenError("storage-failed", { where, why: code || "unknown", meaning }, cause);
}
