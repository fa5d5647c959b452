/**
 * Version 1. Times are milliseconds since 1970 where they are compared, else the text that was given. A partial index
 * holds the few rows that somebody looks for, and costs a row nothing once it is not one of them.
 */
const VERSION_1 = `
CREATE TABLE system (key TEXT PRIMARY KEY, value) WITHOUT ROWID;

CREATE TABLE accounts (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  login_id TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  name_key TEXT NOT NULL UNIQUE,
  protocol TEXT NOT NULL,
  host TEXT NOT NULL,
  port INTEGER NOT NULL,
  security TEXT NOT NULL,
  username TEXT NOT NULL,
  mailboxes TEXT NOT NULL,
  interval_seconds INTEGER NOT NULL,
  start TEXT NOT NULL,
  on_delivered TEXT NOT NULL,
  on_failed TEXT NOT NULL,
  delete_after_days INTEGER,
  max_size_bytes INTEGER NOT NULL,
  ca_pem TEXT,
  tls_allow_invalid_certificate INTEGER NOT NULL,
  auth TEXT NOT NULL,
  credential TEXT NOT NULL,
  state TEXT NOT NULL,
  reason TEXT,
  held INTEGER NOT NULL,
  not_before INTEGER,
  consecutive_failures INTEGER NOT NULL,
  transitions INTEGER NOT NULL,
  last_poll_at INTEGER,
  last_success_at INTEGER,
  last_error TEXT,
  created_at TEXT NOT NULL,
  slot_offset INTEGER NOT NULL,
  last_slot INTEGER,
  lease_token TEXT,
  lease_until INTEGER,
  overruled INTEGER NOT NULL DEFAULT 0,
  backlog_at INTEGER,
  hinted_until INTEGER,
  due_at INTEGER
);
CREATE INDEX accounts_wheel ON accounts (interval_seconds, slot_offset) WHERE state = 'active';
CREATE INDEX accounts_due ON accounts (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE removals (account_id TEXT PRIMARY KEY) WITHOUT ROWID;

CREATE TABLE cursors (
  account_id TEXT NOT NULL,
  mailbox TEXT NOT NULL,
  cursor TEXT NOT NULL,
  base TEXT,
  backfill TEXT,
  base_saved_at INTEGER,
  PRIMARY KEY (account_id, mailbox)
) WITHOUT ROWID;

CREATE TABLE gaps (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  account_id TEXT NOT NULL,
  place TEXT NOT NULL,
  item TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  due_at INTEGER NOT NULL,
  error TEXT NOT NULL,
  UNIQUE (account_id, place)
);
CREATE INDEX gaps_due ON gaps (account_id, due_at);

CREATE TABLE events (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  type TEXT NOT NULL,
  account_id TEXT NOT NULL,
  mailbox TEXT,
  uid_validity TEXT,
  uid INTEGER,
  uidl TEXT,
  backfill INTEGER NOT NULL,
  received_at TEXT NOT NULL,
  committed_at INTEGER NOT NULL,
  message_id TEXT,
  sender TEXT,
  subject TEXT,
  size_bytes INTEGER NOT NULL,
  digest TEXT,
  raw TEXT,
  body TEXT NOT NULL,
  open INTEGER NOT NULL,
  delivered INTEGER NOT NULL DEFAULT 0,
  failed INTEGER NOT NULL DEFAULT 0,
  ended_at INTEGER
);
CREATE INDEX events_time ON events (committed_at);
CREATE INDEX events_account ON events (account_id, committed_at);
CREATE INDEX events_pending ON events (committed_at)
  WHERE open > 0 AND mailbox IS NOT NULL AND type <> 'message.quarantined';
CREATE INDEX events_failed ON events (committed_at) WHERE failed > 0;
CREATE INDEX events_ignored ON events (committed_at) WHERE open = 0 AND delivered = 0 AND failed = 0;
CREATE INDEX events_quarantined ON events (committed_at) WHERE type = 'message.quarantined';

CREATE TABLE deliveries (
  seq INTEGER PRIMARY KEY,
  event INTEGER NOT NULL,
  webhook_id TEXT NOT NULL,
  state TEXT NOT NULL,
  trigger TEXT NOT NULL,
  attempt_count INTEGER NOT NULL DEFAULT 0,
  attempts TEXT,
  next_attempt_at INTEGER,
  due_at INTEGER,
  claim_token TEXT,
  claim_until INTEGER,
  parked_at INTEGER,
  body TEXT,
  created_at INTEGER NOT NULL,
  ended_at INTEGER,
  UNIQUE (event, webhook_id)
);
CREATE INDEX deliveries_due ON deliveries (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX deliveries_time ON deliveries (created_at);
CREATE INDEX deliveries_webhook ON deliveries (webhook_id, created_at);
CREATE INDEX deliveries_state ON deliveries (state, webhook_id, created_at) WHERE state <> 'delivered';

CREATE TABLE delivery_counts (state TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO delivery_counts VALUES
  ('pending', 0), ('parked', 0), ('delivered', 0), ('skipped', 0), ('exhausted', 0), ('rejected', 0), ('cancelled', 0);

CREATE TABLE settlements (
  event INTEGER NOT NULL,
  slot TEXT NOT NULL,
  account_id TEXT NOT NULL,
  cause TEXT NOT NULL,
  action TEXT NOT NULL,
  state TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  due_at INTEGER,
  closed_at INTEGER,
  PRIMARY KEY (event, slot)
) WITHOUT ROWID;
CREATE INDEX settlements_due ON settlements (account_id, due_at) WHERE due_at IS NOT NULL;

CREATE TABLE webhooks (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  name_key TEXT NOT NULL UNIQUE,
  url TEXT NOT NULL,
  accounts TEXT,
  events TEXT NOT NULL,
  timeout_seconds REAL NOT NULL,
  secrets TEXT NOT NULL,
  headers TEXT,
  header_names TEXT NOT NULL,
  state TEXT NOT NULL,
  reason TEXT,
  gate_until INTEGER,
  release_count INTEGER NOT NULL DEFAULT 1,
  last_success_at INTEGER,
  created_at TEXT NOT NULL,
  due_at INTEGER
);
CREATE INDEX webhooks_due ON webhooks (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX webhooks_all ON webhooks (seq) WHERE accounts IS NULL;

CREATE TABLE selections (
  account_id TEXT NOT NULL,
  webhook_id TEXT NOT NULL,
  PRIMARY KEY (account_id, webhook_id)
) WITHOUT ROWID;

CREATE TABLE packs (name TEXT PRIMARY KEY, live INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX packs_dead ON packs (name) WHERE live <= 0;

CREATE TABLE erasures (ref TEXT PRIMARY KEY) WITHOUT ROWID;
`;

/**
 * Version 2: since when messages wait as gaps (of those that wait already only the next try is known), why settlements failed,
 * and all logins that accounts had, also of those whose events are still being removed.
 */
const VERSION_2 = `
ALTER TABLE gaps ADD COLUMN opened_at INTEGER NOT NULL DEFAULT 0;
UPDATE gaps SET opened_at = due_at;
ALTER TABLE settlements ADD COLUMN reason TEXT;
CREATE INDEX gaps_opened ON gaps (opened_at);
CREATE INDEX gaps_account ON gaps (account_id, seq);

CREATE TABLE logins (
  login_id TEXT NOT NULL,
  account_id TEXT NOT NULL,
  PRIMARY KEY (login_id, account_id)
) WITHOUT ROWID;
INSERT INTO logins
  SELECT id, id FROM accounts UNION SELECT login_id, id FROM accounts UNION SELECT account_id, account_id FROM removals;
`;

/**
 * Version 3: links of messages, and how webhooks take attachments, which a delivery keeps from its first attempt on: those
 * that had one were sent the event itself.
 */
const VERSION_3 = `
ALTER TABLE events ADD COLUMN link_token TEXT;
ALTER TABLE webhooks ADD COLUMN attachments TEXT NOT NULL DEFAULT 'link';
ALTER TABLE deliveries ADD COLUMN attachments TEXT;
ALTER TABLE deliveries ADD COLUMN reduced INTEGER NOT NULL DEFAULT 0;
UPDATE deliveries SET reduced = 1 WHERE body IS NOT NULL;
UPDATE deliveries SET attachments = 'link' WHERE attempt_count > 0;
`;

/** What leads from each version to the next; the first makes an empty file version 1. */
export const MIGRATIONS: readonly string[] = [VERSION_1, VERSION_2, VERSION_3];
