/** Step 1: jobs, their copies at agents, the ledger. Times are Unix seconds. Nothing secret may stand here. */
export const JOBS_SCHEMA = `
CREATE TABLE jobs (
  user TEXT NOT NULL,
  job TEXT NOT NULL,
  target TEXT NOT NULL,
  -- what its sender sees
  state TEXT NOT NULL,
  reason TEXT,
  at INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  -- as said by "end", or of "only"
  parts INTEGER,
  bytes INTEGER,
  expires_said INTEGER,
  -- SHA-256 of the sealed bytes of "only": tells a repeated message from another one under the same id
  digest BLOB,
  expires INTEGER NOT NULL,
  otp INTEGER NOT NULL,
  is_group INTEGER NOT NULL,
  claimed_agent TEXT,
  -- why it is to end; its agents are told until they confirm
  wish TEXT,
  ended_at INTEGER,
  status_cleared INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (user, job)
) STRICT, WITHOUT ROWID;
CREATE INDEX jobs_by_creation ON jobs (user, created_at);
CREATE INDEX jobs_live ON jobs (user) WHERE ended_at IS NULL;
CREATE INDEX jobs_by_end ON jobs (ended_at);

CREATE TABLE copies (
  user TEXT NOT NULL,
  job TEXT NOT NULL,
  agent TEXT NOT NULL,
  -- JSON array: this agent's printers among the target's
  printers TEXT NOT NULL,
  state TEXT NOT NULL,
  reason TEXT,
  -- the one that took it
  printer TEXT,
  final INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (user, job, agent),
  FOREIGN KEY (user, job) REFERENCES jobs (user, job) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX copies_by_agent ON copies (agent, final);

CREATE TABLE events (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  -- null: the broker's own
  agent TEXT,
  user TEXT NOT NULL,
  job TEXT NOT NULL,
  target TEXT NOT NULL,
  state TEXT NOT NULL,
  reason TEXT,
  printer TEXT,
  bytes INTEGER,
  -- at: the teller's clock; received_at: the broker's
  at INTEGER NOT NULL,
  received_at INTEGER NOT NULL
) STRICT;
CREATE INDEX events_by_job ON events (user, job);
CREATE INDEX events_by_time ON events (received_at);

-- Where each agent asked for its boot share from.
CREATE TABLE boot_addresses (
  agent TEXT NOT NULL,
  address TEXT NOT NULL,
  PRIMARY KEY (agent, address)
) STRICT, WITHOUT ROWID;

-- No share of these may ever lie in escrow again.
CREATE TABLE tombstones (
  agent TEXT NOT NULL,
  user TEXT NOT NULL,
  job TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (agent, user, job)
) STRICT, WITHOUT ROWID;
`;

/** Step 3: second copies, how much an interrupted printer took, what agents told of themselves. */
export const AGAIN_SCHEMA = `
-- it came out there, unconfirmed: until its end that agent alone may print it, once more
ALTER TABLE jobs ADD COLUMN delivered_agent TEXT;

-- as last told: until when its OTP prints it again; whether that is a second copy; of interrupted, the bounds
ALTER TABLE copies ADD COLUMN until INTEGER;
ALTER TABLE copies ADD COLUMN again INTEGER NOT NULL DEFAULT 0;
ALTER TABLE copies ADD COLUMN bytes INTEGER;
ALTER TABLE copies ADD COLUMN bytes_at_most INTEGER;

-- null where bytes is exact, or unknown
ALTER TABLE events ADD COLUMN bytes_at_most INTEGER;
ALTER TABLE events ADD COLUMN again INTEGER NOT NULL DEFAULT 0;
-- told of what stands in the ledger already: no copy more
ALTER TABLE events ADD COLUMN is_repeat INTEGER NOT NULL DEFAULT 0;

-- what happened to an agent itself: tamper-opened, tamper-closed
CREATE TABLE incidents (
  seq INTEGER PRIMARY KEY,
  agent TEXT NOT NULL,
  kind TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT;
CREATE INDEX incidents_by_agent ON incidents (agent, seq);
`;

/** Step 4: an agent's events of a job are counted before each that comes; without its rows being read, a batch of them takes no time. */
export const COUNT_SCHEMA = `
DROP INDEX events_by_job;
CREATE INDEX events_by_job ON events (user, job, agent);
`;
