/** Where in a set-up file a mistake is, and what to write instead. Never repeats a value: it may be a password. */
import { nearestName } from "../wire/config-file.ts";
import { PlatenError } from "../wire/error.ts";

export const SETUP_FILE = "platen.toml";

/** @param what one or more sentences: what is wrong there, and what to do */
export function setupMistake(what: string, line: number | null = null, file = SETUP_FILE): PlatenError {
  const where = line === null ? file : `${file}, line ${line}`;
  return new PlatenError("setup-mistake", { where, what, ...(line !== null && { line }) });
}

/** What TOML's own rules refuse, said for people who have never heard of it. */
export function explainSyntax(text: string, line: number, said: string): PlatenError {
  const row = text.split("\n")[line - 1] ?? "";
  return setupMistake(explainRow(row, said), line);
}

function explainRow(row: string, said: string): string {
  const [, key, sign, value = ""] = /^\s*([A-Za-z0-9_.-]+)\s*([=:])?\s*(.*)$/.exec(row) ?? [];
  if (/redefin|already|duplicate/i.test(said)) {
    const what = /^\s*\[/.test(row) ? "This [table]" : `“${key ?? "This setting"}”`;
    return `${what} stands here for the second time. Take one of them away.`;
  }
  if (/^\s*\[[^\]]*$/.test(row)) return "The ] at the end is missing.";
  if (sign === ":") return `Write = instead of the colon: ${key} = ...`;
  if (key !== undefined && sign === undefined) {
    return "This is neither a setting (name = value) nor a [table]. Put # before it if it is only a note.";
  }
  if (value === "") return "The value after = is missing.";
  const quote = value[0];
  if (quote === '"' && value.includes("\\")) {
    return `A \\ inside "..." means something else. Put the value in single quotes: ${key} = '...'`;
  }
  if (quote === '"' || quote === "'") {
    return countOf(value, quote) % 2 === 1
      ? `A quotation mark is missing: ${key} = ${quote}...${quote}`
      : `Something stands behind the value that does not belong there. Put # before it if it is only a note.`;
  }
  if (quote === "[") return `A list is written as ${key} = ["one", "two"].`;
  return `The value must stand in quotation marks: ${key} = "..."`;
}

function countOf(text: string, sign: string): number {
  return text.split(sign).length - 1;
}

export function unknownKey(
  path: readonly string[],
  known: readonly string[],
  line: number | null,
): PlatenError {
  const key = path.at(-1) ?? "";
  const near = nearestName(key, known);
  const inside = path.slice(0, -1);
  const where = inside.length === 0 ? "" : ` in [${inside.join(".")}]`;
  return setupMistake(`There is no setting “${key}”${where}. Did you mean “${near}”?`, line);
}

/** The line on which the setting at `path` stands, or its table begins; null where neither is written. */
export function findLine(text: string, path: readonly string[]): number | null {
  const wanted = path.join(".");
  let table = "";
  let nearest: number | null = null;
  for (const [index, row] of text.split("\n").entries()) {
    const heading = /^\s*\[\[?\s*([^\]]+?)\s*\]/.exec(row)?.[1]?.replaceAll(/\s|"/g, "");
    if (heading !== undefined) table = heading;
    const key =
      heading === undefined ? /^\s*([^=#]+?)\s*=/.exec(row)?.[1]?.replaceAll(/\s|"/g, "") : undefined;
    const here = key === undefined ? heading : [table, key].filter((part) => part !== "").join(".");
    if (here === undefined) continue;
    if (here === wanted || here.startsWith(`${wanted}.`)) return index + 1;
    if (wanted.startsWith(`${here}.`)) nearest = index + 1;
  }
  return nearest;
}
