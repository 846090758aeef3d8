/**
 * The agent's database, as numbered steps forward: step n brings `user_version` n - 1 to n. Never edit a step that was released.
 * No secret lies here: `record` opens only with what memory and the escrow hold.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE job (
    id INTEGER PRIMARY KEY,
    user TEXT NOT NULL,
    job TEXT NOT NULL,
    target TEXT NOT NULL,
    printers TEXT NOT NULL,
    grouped INTEGER NOT NULL,
    attempt TEXT NOT NULL,
    otp_digits INTEGER NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    final INTEGER NOT NULL DEFAULT 0,
    again INTEGER NOT NULL DEFAULT 0,
    printer TEXT,
    record BLOB,
    sealed_bytes INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0,
    sealed_expires INTEGER NOT NULL DEFAULT 0,
    expires INTEGER,
    copies_done INTEGER NOT NULL DEFAULT 0,
    ended_at INTEGER,
    UNIQUE (user, job)
  ) STRICT;
  CREATE INDEX job_live ON job (state) WHERE final = 0;
  CREATE TABLE outbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    event TEXT NOT NULL
  ) STRICT;
  CREATE TABLE seen (
    hash BLOB PRIMARY KEY,
    user TEXT NOT NULL,
    job TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE printer (
    name TEXT PRIMARY KEY,
    dirty INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE tries (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    left INTEGER NOT NULL,
    since_ms REAL NOT NULL,
    running_ms REAL NOT NULL,
    failures TEXT NOT NULL
  ) STRICT;
  CREATE TABLE clock (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    highest_seen INTEGER NOT NULL
  ) STRICT;
  `,
  `
  CREATE TABLE grace (
    user TEXT NOT NULL,
    job TEXT NOT NULL,
    left_ms REAL NOT NULL,
    PRIMARY KEY (user, job)
  ) STRICT, WITHOUT ROWID;
  `,
];
