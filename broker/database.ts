/** The broker's SQLite file: opened with durable settings, brought to the schema this program knows, or refused. */
import { chmodSync, existsSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import Database from "better-sqlite3";
import { PlatenError } from "../wire/error.ts";
import { MIGRATIONS } from "./schema.table.ts";

export type BrokerDatabase = Database.Database;

export const DATABASE = "broker.db";
const MEANING =
  "Put it back from a backup: it knows every printer and user. To begin anew with all of them, move the whole folder away.";

/**
 * A folder with an authority had a database. A new one in its place would know nobody, and end every job and share it
 * does not know.
 * @throws PlatenError `database-damaged`
 */
export function refuseLost(dataDir: string): void {
  const path = join(dataDir, DATABASE);
  const lost = !existsSync(path) || statSync(path).size === 0;
  if (!lost || !existsSync(join(dataDir, "ca"))) return;
  throw new PlatenError("database-damaged", { file: path, why: "it is gone or empty", meaning: MEANING });
}

/** What SQLite says of a damaged file as ours; anything else as it is. */
export function faultOfDatabase(error: unknown, path: string): unknown {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (!/^SQLITE_(?:CORRUPT|NOTADB)/.test(code)) return error;
  return new PlatenError("database-damaged", { file: path, why: code, meaning: MEANING }, error);
}

/**
 * Opens (or creates, mode 0600) the database at `path`; `:memory:` for tests. The caller closes it.
 * Each missing step of {@link MIGRATIONS} runs in its own transaction.
 * @throws PlatenError `schema-mismatch` when a newer program wrote it, `storage-failed` when it cannot be opened
 */
export function openDatabase(path: string): BrokerDatabase {
  const database = connect(path);
  try {
    // FULL: a commit is on the disk before anyone is told; nobody may be told something a power cut takes back.
    database.pragma("journal_mode = WAL");
    database.pragma("synchronous = FULL");
    database.pragma("foreign_keys = ON");
    database.pragma("busy_timeout = 5000");
    migrate(database, path);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function connect(path: string): BrokerDatabase {
  try {
    const database = new Database(path);
    if (path !== ":memory:") chmodSync(path, 0o600);
    return database;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : "unknown";
    throw new PlatenError("storage-failed", { where: path, why, meaning: "Nothing was started." }, cause);
  }
}

function migrate(database: BrokerDatabase, path: string): void {
  const found = database.pragma("user_version", { simple: true }) as number;
  if (found > MIGRATIONS.length) {
    throw new PlatenError("schema-mismatch", { file: basename(path), found, needed: MIGRATIONS.length });
  }
  for (const [index, sql] of MIGRATIONS.entries()) {
    if (index < found) continue;
    database.transaction(() => {
      database.exec(sql);
      database.pragma(`user_version = ${index + 1}`);
    })();
  }
}
