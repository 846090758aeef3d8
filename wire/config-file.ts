/**
 * Settings: one TOML file per program, the environment over it, a strict zod schema over both.
 * An unknown key is refused with the nearest known name; nothing starts on a half-understood file.
 */
import { readFileSync } from "node:fs";
import { parse as parseToml } from "smol-toml";
import { z } from "zod";
import { PlatenError } from "./error.ts";

interface ConfigSource {
  /** Path of the TOML file. A missing file means defaults, unless `required`. */
  readonly file?: string | undefined;
  readonly required?: boolean;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** `PLATEN_BROKER_` makes `PLATEN_BROKER_LISTEN__PORT=8884` set `port` in `[listen]`. */
  readonly envPrefix?: string;
}

type Table = Record<string, unknown>;

/**
 * Reads, merges and checks the settings.
 * @throws PlatenError `config-unreadable`, `config-invalid`, `config-unknown-key`
 */
export function loadConfig<S extends z.ZodObject>(schema: S, source: ConfigSource): z.infer<S> {
  const table = source.file === undefined ? {} : readTable(source.file, source.required ?? false);
  applyEnvironment(table, schema, source);
  const parsed = schema.safeParse(table);
  if (parsed.success) return parsed.data;
  throw describeIssue(schema, parsed.error, source.file ?? "the environment");
}

function readTable(file: string, required: boolean): Table {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (!required && (error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw new PlatenError("config-unreadable", { file, why: (error as Error).message }, error);
  }
  try {
    return parseSettings(plainText(text));
  } catch (error) {
    const what = (error as Error).message.split("\n")[0] ?? "no TOML";
    const line = (error as { line?: number }).line;
    throw new PlatenError(
      "config-invalid",
      { file, what: line ? `line ${line}: ${what}.` : `${what}.` },
      error,
    );
  }
}

/** The same lines without a byte order mark, ended as on this system. */
export function plainText(text: string): string {
  return text.replace(/^\uFEFF/, "").replace(/\r\n?/g, "\n");
}

/**
 * TOML as people's editors leave it. Inside quotation marks every character is meant (a Wi-Fi is called `Anna’s iPhone`),
 * so the text is taken as it is, and repaired only as far as it has to be.
 * @param text of {@link plainText}
 * @throws smol-toml's error for {@link repairText} of it
 */
export function parseSettings(text: string): Table {
  for (const attempt of [text, straightenDouble(repairSpaces(text))]) {
    try {
      return parseToml(attempt);
    } catch {
      // It needs more.
    }
  }
  return parseToml(repairText(text));
}

/** What editors on other systems do to a text: typographic quotes, no-break and trailing spaces. */
export function repairText(text: string): string {
  return straightenSingle(straightenDouble(repairSpaces(text)));
}

function repairSpaces(text: string): string {
  return text.replaceAll("\u00A0", " ").replace(/[ \t]+$/gm, "");
}

function straightenDouble(text: string): string {
  return text.replace(/[\u201C\u201D\u201E]/g, '"');
}

export function straightenSingle(text: string): string {
  return text.replace(/[\u2018\u2019]/g, "'");
}

function applyEnvironment(table: Table, schema: z.ZodType, { env = {}, envPrefix }: ConfigSource): void {
  if (!envPrefix) return;
  for (const [variable, value] of Object.entries(env)) {
    if (!variable.startsWith(envPrefix) || value === undefined) continue;
    const path = matchKeys(schema, variable.slice(envPrefix.length).split("__"));
    // A variable that names no setting may belong to another program: files are strict, the environment is shared.
    if (path) setAt(table, path, parseValue(value));
  }
}

/** `["LISTEN", "PORT"]` as the schema's own keys, or null. */
function matchKeys(schema: z.ZodType, words: readonly string[]): string[] | null {
  const path: string[] = [];
  for (const word of words) {
    const known = knownKeys(schema, path);
    const key = known?.find((name) => flatten(name) === flatten(word));
    if (key === undefined) return null;
    path.push(key);
  }
  return path;
}

function flatten(key: string): string {
  return key.replace(/[-_]/g, "").toLowerCase();
}

function setAt(table: Table, path: readonly string[], value: unknown): void {
  let at = table;
  for (const key of path.slice(0, -1)) {
    at[key] ??= {};
    at = at[key] as Table;
  }
  at[path.at(-1) as string] = value;
}

/** Numbers, booleans and arrays as TOML writes them; everything else is a string. */
function parseValue(text: string): unknown {
  try {
    return parseToml(`value = ${text}`).value;
  } catch {
    return text;
  }
}

function describeIssue(schema: z.ZodType, error: z.ZodError, file: string): PlatenError {
  // A mistyped key also leaves the right one missing: the typo is what to tell.
  const issue = error.issues.find(({ code }) => code === "unrecognized_keys") ?? error.issues[0];
  if (!issue) return new PlatenError("config-invalid", { file, what: "it cannot be understood." }, error);
  const path = issue.path.map(String);
  if (issue.code === "unrecognized_keys") {
    const key = issue.keys[0] ?? "";
    const nearest = nearestName(key, knownKeys(schema, path) ?? []);
    const full = [...path, key].join(".");
    return new PlatenError(
      "config-unknown-key",
      { file, key: full, nearest: [...path, nearest].join(".") },
      error,
    );
  }
  const what = `“${path.join(".")}”: ${issue.message}.`;
  return new PlatenError("config-invalid", { file, what }, error);
}

/** The keys a schema knows at a path; null where it knows none by name. */
export function knownKeys(schema: z.ZodType, path: readonly string[]): string[] | null {
  let at: unknown = schema;
  for (const key of [...path, null]) {
    while (at instanceof z.ZodDefault || at instanceof z.ZodOptional || at instanceof z.ZodPrefault)
      at = at.unwrap();
    if (at instanceof z.ZodRecord && key !== null) at = at.valueType;
    else if (at instanceof z.ZodObject) {
      if (key === null) return Object.keys(at.shape);
      at = at.shape[key];
    } else return null;
  }
  return null;
}

/** The name among `known` that takes the fewest edits to reach; an empty string when there is none. */
export function nearestName(name: string, known: readonly string[]): string {
  const scored = known.map((candidate) => ({ candidate, edits: countEdits(name, candidate) }));
  scored.sort((a, b) => a.edits - b.edits);
  return scored[0]?.candidate ?? "";
}

function countEdits(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const change = (row[j - 1] as number) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[to.length] as number;
}
