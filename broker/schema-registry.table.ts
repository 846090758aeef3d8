/** Migration 2: who exists, who may come in, what is offered. No secret in it but argon2id of passwords and SHA-256 of code secrets. */
export const REGISTRY_SCHEMA = `
CREATE TABLE agents (
  name TEXT PRIMARY KEY,
  -- waiting: a claim code is out. Nothing but 'enrolled' may connect.
  state TEXT NOT NULL CHECK (state IN ('waiting', 'enrolled', 'revoked')),
  recipient TEXT,
  -- SHA-256 of the public key (SPKI) its certificates are for.
  key_hash BLOB,
  created_at INTEGER NOT NULL,
  enrolled_at INTEGER,
  -- SHA-256 (hex) of the CA it pinned when it came.
  pinned_ca TEXT,
  CHECK (state <> 'enrolled' OR (recipient IS NOT NULL AND key_hash IS NOT NULL))
) STRICT;

-- Kept after revocation: an identity that was revoked once never comes back.
CREATE TABLE agent_certificates (
  serial TEXT PRIMARY KEY,
  agent TEXT NOT NULL,
  recipient TEXT NOT NULL,
  key_hash BLOB NOT NULL,
  pem TEXT NOT NULL,
  not_after INTEGER NOT NULL,
  revoked INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX agent_certificates_by_agent ON agent_certificates (agent);

-- Printers and groups share one space of names: both are targets.
CREATE TABLE targets (
  name TEXT PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('printer', 'group')),
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE printers (
  name TEXT PRIMARY KEY REFERENCES targets (name) ON DELETE CASCADE,
  agent TEXT NOT NULL REFERENCES agents (name),
  -- JSON array; NULL until the agent's first hello.
  languages TEXT,
  raw INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX printers_by_agent ON printers (agent);

CREATE TABLE group_printers (
  group_name TEXT NOT NULL REFERENCES targets (name) ON DELETE CASCADE,
  printer TEXT NOT NULL REFERENCES printers (name) ON DELETE CASCADE,
  PRIMARY KEY (group_name, printer)
) STRICT, WITHOUT ROWID;

-- The newest signed list of each target. Rows outlive their target: a serial must never come twice.
CREATE TABLE signed_lists (
  target TEXT PRIMARY KEY,
  serial INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  signed_at INTEGER NOT NULL,
  otp INTEGER NOT NULL,
  -- JSON: languages; and printers as [{printer, recipient}].
  languages TEXT NOT NULL,
  printers TEXT NOT NULL,
  list BLOB NOT NULL,
  minisig BLOB NOT NULL,
  offered INTEGER NOT NULL
) STRICT;

CREATE TABLE accounts (
  name TEXT PRIMARY KEY,
  -- argon2id as a PHC string; NULL until the invite was used.
  password TEXT,
  standard INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  pinned_ca TEXT
) STRICT;

CREATE TABLE contact_codes (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('claim', 'invite')),
  subject TEXT NOT NULL,
  secret_hash BLOB NOT NULL,
  expires INTEGER NOT NULL,
  used_at INTEGER
) STRICT;
CREATE INDEX contact_codes_by_subject ON contact_codes (kind, subject);

-- The fleet public key that codes and senders have pinned: another one must not slip in.
CREATE TABLE fleet_pin (
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
  public_key TEXT NOT NULL
) STRICT;
`;
