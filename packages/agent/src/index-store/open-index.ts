import { existsSync, mkdirSync, renameSync } from 'node:fs'
import { dirname } from 'node:path'
import { emptyDigest } from '@spansync/common/core/causal/digest'
import type { ReplicaId } from '@spansync/common/core/causal/types'
import type { FolderIndex } from '@spansync/common/ports'
import { messageOf } from '@spansync/common/runtime/errors'
import Database from 'better-sqlite3'
import { guarded, IndexDamagedError, IndexTooNewError } from './errors.ts'
import { migrations } from './schema.ts'
import { SqliteIndex } from './sqlite-index.ts'

export interface OpenIndexOptions {
  /** Called once, when the index is new: the key of its incarnation. */
  readonly replica: () => ReplicaId
  /** The index was not closed when it was last in use: the agent was killed, or the power went. */
  readonly onCutOff?: (() => void) | undefined
}

/** Opens the index in `file`, or makes it. Throws IndexDamagedError when the file is damaged (see `setAside`) and
 *  IndexTooNewError when a newer program wrote it. After a crash the file is checked first (about 0.2 s per 100,000 rows). */
export function openIndex(file: string, options: OpenIndexOptions): FolderIndex {
  mkdirSync(dirname(file), { recursive: true })
  return guarded(file, () => {
    const database = new Database(file)
    try {
      configure(database)
      migrate(database, file)
      initialise(database, options)
      if (checkAfterCrash(database, file)) options.onCutOff?.()
      return new SqliteIndex(database, file)
    } catch (error) {
      database.close()
      throw error
    }
  })
}

/** What is wrong with an index that nobody has open; undefined when nothing is. */
export function damageOf(file: string): string | undefined {
  try {
    const database = new Database(file, { readonly: true })
    try {
      const verdict = database.pragma('quick_check(1)', { simple: true })
      return verdict === 'ok' ? undefined : String(verdict)
    } finally {
      database.close()
    }
  } catch (error) {
    return messageOf(error)
  }
}

/** Moves an index out of the way, with all that belongs to it. Answers its new name. */
export function setAside(file: string, because: 'damaged' | 'other-root', now: number = Date.now()): string {
  const target = `${file}.${because}-${new Date(now).toISOString().replaceAll(':', '')}`
  for (const suffix of ['', '-wal', '-shm']) {
    if (existsSync(file + suffix)) renameSync(file + suffix, target + suffix)
  }
  return target
}

function configure(database: Database.Database): void {
  database.pragma('journal_mode = WAL')
  // A commit is on the disk before a peer hears of it: after a power cut the counters in it must not be given out again.
  database.pragma('synchronous = FULL')
  // KiB. The system caches the file anyway; this is memory per folder.
  database.pragma('cache_size = -4000')
  database.pragma('temp_store = MEMORY')
  // Pages (16 MB) between two checkpoints: each writes and flushes every page touched, and a first scan touches most of them often.
  database.pragma('wal_autocheckpoint = 4000')
  database.pragma('journal_size_limit = 16777216')
}

function migrate(database: Database.Database, file: string): void {
  const version = database.pragma('user_version', { simple: true }) as number
  if (version > migrations.length) throw new IndexTooNewError(file, version, migrations.length)
  for (let from = version; from < migrations.length; from++) {
    database.transaction(() => {
      const migration = migrations[from] as (typeof migrations)[number]
      if (typeof migration === 'string') database.exec(migration)
      else migration(database)
      database.pragma(`user_version = ${from + 1}`)
    })()
  }
}

function initialise(database: Database.Database, options: OpenIndexOptions): void {
  if (database.prepare('SELECT 1 FROM replica').get() !== undefined) return
  database
    .prepare(
      `INSERT INTO replica (id, replica, knowledge, digest, seq, files, dirs, bytes, tombstones, closed_cleanly)
       VALUES (1, ?, '{}', ?, 0, 0, 0, 0, 0, 1)`,
    )
    .run(options.replica(), emptyDigest)
}

/** True when there was one. */
function checkAfterCrash(database: Database.Database, file: string): boolean {
  const isCutOff = database.prepare('SELECT closed_cleanly FROM replica').pluck().get() !== 1
  if (isCutOff) {
    const verdict = database.pragma('quick_check(1)', { simple: true })
    if (verdict !== 'ok') throw new IndexDamagedError(file, new Error(String(verdict)))
  }
  database.prepare('UPDATE replica SET closed_cleanly = 0').run()
  return isCutOff
}
