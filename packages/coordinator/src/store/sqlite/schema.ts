/** In the file's header: this file is a coordinator's store ("SpCo"), whatever else may have tables and versions. */
export const applicationId = 0x5370436f

/** What must be sound before the store is used. Small tables; damage in the others is found in use. */
export const vitalTables = ['node', 'removed_node', 'settings', 'lease'] as const

/** Raised with every change of the tables; `migrations[n]` leads from version n to n + 1. Kept in the file's user_version. */
export const migrations: readonly string[] = [
  `
-- Who leads; exactly one row once anybody has led. It stays after a release, for the epoch must go on rising.
CREATE TABLE lease (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  -- The newest epoch given out. Whoever writes with another one is refused.
  epoch INTEGER NOT NULL,
  -- The process that holds it, or held it last.
  holder TEXT NOT NULL,
  -- Kept for renewals, which start it anew, and to see that the clock was set back: more than this can never be left.
  ttl_ms INTEGER NOT NULL,
  -- Ms since 1970; 0 when it was released.
  until_ms INTEGER NOT NULL
) STRICT;

-- Registered nodes: what cannot be had again from anywhere else.
CREATE TABLE node (
  -- SHA-256 of the node's certificate, 64 hex digits.
  id TEXT PRIMARY KEY,
  -- For people.
  name TEXT NOT NULL,
  -- Public nkey: what NATS lets in.
  nkey TEXT NOT NULL,
  -- Ms since 1970.
  added_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The network's settings; no row until somebody changes them.
CREATE TABLE settings (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  -- Rises by one with every change; whoever has read an older one may not write.
  version INTEGER NOT NULL,
  -- JSON. One column: they are read and replaced as a whole.
  settings TEXT NOT NULL
) STRICT;

-- The last state of every node, for the start of a new leader.
CREATE TABLE state (
  node TEXT PRIMARY KEY,
  -- JSON as the agent sent it, parsed again when it is loaded.
  state TEXT NOT NULL
) STRICT;

-- Ups and downs of links. The first key finds the oldest of one link, so that they can be bounded; it also makes an event that is
-- written twice one.
CREATE TABLE link_event (
  -- Ends of the link, a < b.
  a TEXT NOT NULL,
  b TEXT NOT NULL,
  -- Ms since 1970.
  at INTEGER NOT NULL,
  -- 1: it came up.
  up INTEGER NOT NULL,
  PRIMARY KEY (a, b, at, up)
) STRICT, WITHOUT ROWID;

-- "What happened since" over all links.
CREATE INDEX link_event_at ON link_event (at);

-- What is known of each link over time.
CREATE TABLE link (
  -- a < b.
  a TEXT NOT NULL,
  b TEXT NOT NULL,
  -- Smoothed sums, so not whole numbers: ms up, of ms watched.
  up_ms REAL NOT NULL,
  total_ms REAL NOT NULL,
  -- NULL: never measured.
  rtt_ms REAL,
  throughput_bps REAL,
  PRIMARY KEY (a, b)
) STRICT, WITHOUT ROWID;

-- Reports that have been counted. The day is that of the session, which a report brings with it, so that one that comes again is
-- looked for in the same place; and old days go in one run of pages.
CREATE TABLE report_id (
  -- Days since 1970, UTC.
  day INTEGER NOT NULL,
  id TEXT NOT NULL,
  PRIMARY KEY (day, id)
) STRICT, WITHOUT ROWID;

-- Sums over reports. The day comes first because statistics are asked for from a day on.
CREATE TABLE traffic (
  -- Days since 1970, UTC, of the beginnings of the sessions.
  day INTEGER NOT NULL,
  -- Ends of the link, a < b.
  a TEXT NOT NULL,
  b TEXT NOT NULL,
  folder TEXT NOT NULL,
  -- Content that went from a to b, and from b to a.
  a_to_b_bytes INTEGER NOT NULL,
  a_to_b_files INTEGER NOT NULL,
  b_to_a_bytes INTEGER NOT NULL,
  b_to_a_files INTEGER NOT NULL,
  -- However they ended, and how many of them ended badly.
  sessions INTEGER NOT NULL,
  refused INTEGER NOT NULL,
  failed INTEGER NOT NULL,
  -- How long they took, together.
  duration_ms INTEGER NOT NULL,
  PRIMARY KEY (day, a, b, folder)
) STRICT, WITHOUT ROWID;

-- Plans as they were decided, to be played back. By folder first, so that the oldest of one can be dropped.
CREATE TABLE plan (
  folder TEXT NOT NULL,
  -- Ms since 1970.
  at INTEGER NOT NULL,
  -- JSON.
  plan TEXT NOT NULL,
  PRIMARY KEY (folder, at)
) STRICT;
`,
  `
-- Nodes that are registered no longer, so that nobody but a person lets them in again.
CREATE TABLE removed_node (
  id TEXT PRIMARY KEY,
  -- Ms since 1970.
  removed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`,
]
