/** The agent's SQLite database: durable at each commit, migrated forward only, never reset. */
import { chmodSync } from "node:fs";
import Database from "better-sqlite3";
import { PlatenError } from "../wire/error.ts";
import { MIGRATIONS } from "./schema.table.ts";
import { faultOfStorage } from "./storage-fault.ts";

export type Db = Database.Database;

/**
 * Opens or makes the database, mode 0600.
 * @throws PlatenError `schema-mismatch` for a newer one, `disk-full`, `storage-failed`
 */
export function openDatabase(path: string): Db {
  let db: Db | null = null;
  try {
    db = new Database(path);
    chmodSync(path, 0o600);
    db.pragma("journal_mode = WAL");
    // In WAL mode NORMAL may lose the last commits on a power cut; ours are promises.
    db.pragma("synchronous = FULL");
    db.pragma("foreign_keys = ON");
    db.pragma("secure_delete = ON");
    migrate(db, path);
    return db;
  } catch (cause) {
    db?.close();
    throw faultOfStorage(cause, path, "The agent did not start; held jobs are untouched.");
  }
}

function migrate(db: Db, file: string): void {
  const found = Number(db.pragma("user_version", { simple: true }));
  const needed = MIGRATIONS.length;
  if (found > needed) throw new PlatenError("schema-mismatch", { file, found, needed });
  db.transaction(() => {
    for (const step of MIGRATIONS.slice(found)) db.exec(step);
    db.pragma(`user_version = ${needed}`);
  })();
}
