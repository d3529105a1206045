import { addToDigest, emptyDigest } from '@spansync/common/core/causal/digest'
import type { Digest, VersionVector } from '@spansync/common/core/causal/types'
import type { Database } from 'better-sqlite3'

/** Raised with every change of the tables; `migrations[n]` leads from version n to n + 1. Kept in the file's user_version. */
export const migrations: readonly Migration[] = [
  `
-- One row per path that this replica has ever known, tombstones included.
CREATE TABLE entry (
  -- Order of changes in this index. It is the key of the table, so that "what changed after n" reads one run of pages and a
  -- changed row moves to the end. Never given out twice.
  seq INTEGER PRIMARY KEY,
  -- Relative to the folder's root, parts joined with '/'. Compared by bytes, so all that is below a directory lies together.
  path TEXT NOT NULL UNIQUE,
  -- 0 file, 1 directory, 2 symbolic link. A tombstone keeps the kind of what it was.
  kind INTEGER NOT NULL,
  -- 1: a tombstone. Kept until every member knows of the deletion.
  deleted INTEGER NOT NULL,
  -- Bytes; 0 for directories and tombstones.
  size INTEGER NOT NULL,
  -- Microseconds since 1970; 0 for directories and tombstones.
  mtime_us INTEGER NOT NULL,
  -- The nine permission bits.
  mode INTEGER NOT NULL,
  -- SHA-256 of the content (file) or of the target (link): 32 bytes, half of what hex would take. Empty for the others.
  hash BLOB NOT NULL,
  -- Version vector, JSON: {"replica":counter}.
  vector TEXT NOT NULL,
  -- The writes that made this content, JSON: [["replica",counter]].
  dots TEXT NOT NULL,
  -- What lstat said when the content was last hashed; all NULL when that has never been. Never leaves this machine.
  -- REAL for the inode: some file systems use all 64 bits, which a JS number cannot hold exactly, but two equal ones stay equal.
  stat_mtime_us INTEGER,
  stat_ctime_us INTEGER,
  stat_size INTEGER,
  stat_inode REAL,
  stat_mode INTEGER
) STRICT;

-- Finds a local copy of content that a peer announces (a rename, a duplicate), so that nothing is sent. Partial: directories and
-- tombstones have no content, links are too short to matter. Only the first bytes: hashes are random, so every new row lands on
-- another page of this index, and a small index stays in the cache (bulk commits take half the time).
CREATE INDEX entry_hash ON entry (substr(hash, 1, 6)) WHERE deleted = 0 AND kind = 0;

-- The replica as a whole; exactly one row.
CREATE TABLE replica (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  -- Key of this index in version vectors. New for every new index, so its counters never repeat.
  replica TEXT NOT NULL,
  -- Version vector over the whole folder, JSON.
  knowledge TEXT NOT NULL,
  -- Order-independent sum of the hashes of all entries, 32 hex digits.
  digest TEXT NOT NULL,
  -- Highest sequence number given out; kept here because the row that had it may have moved on.
  seq INTEGER NOT NULL,
  -- Kept with every commit, so that status costs nothing: live files and links, live directories, bytes in live files, tombstones.
  files INTEGER NOT NULL,
  dirs INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  tombstones INTEGER NOT NULL,
  -- 1 only between close() and the next open. 0 at an open means a crash, and only then is the file checked, which takes a while.
  closed_cleanly INTEGER NOT NULL
) STRICT;
`,
  (database) => {
    database.exec(collection)
    database.prepare('UPDATE replica SET digest = ?').run(liveDigest(database))
  },
  `
-- Writes whose content lost a conflict against this one, and that nobody who had them has replaced, JSON as the dots; NULL: none.
ALTER TABLE entry ADD COLUMN beaten TEXT;
`,
]

/** SQL, or what SQL alone cannot do. */
type Migration = string | ((database: Database) => void)

const collection = `
-- Version vector, JSON: tombstones up to here may have been dropped.
ALTER TABLE replica ADD COLUMN collected TEXT NOT NULL DEFAULT '{}';
-- Stands for what this replica ignores; NULL: not known yet.
ALTER TABLE replica ADD COLUMN scope TEXT;

-- What each member of the folder has said last of itself, so that one that is away still counts.
CREATE TABLE member (
  -- The node's id.
  node TEXT PRIMARY KEY,
  -- JSON: {"version","knowledge","neighbours"}.
  word TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Finds tombstones when some may go, without reading all that is alive.
CREATE INDEX entry_tombstone ON entry (seq) WHERE deleted = 1;
`

/** From here on it leaves tombstones out. */
function liveDigest(database: Database): Digest {
  let digest = emptyDigest
  const rows = database.prepare<[], { path: string; vector: string }>(
    'SELECT path, vector FROM entry WHERE deleted = 0',
  )
  for (const { path, vector } of rows.iterate()) {
    digest = addToDigest(digest, { path, vector: JSON.parse(vector) as VersionVector, deleted: false })
  }
  return digest
}
