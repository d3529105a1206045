import type { Database, Statement } from 'better-sqlite3'
import { columns, type RawRow } from './row-codec.ts'

export interface MetaRow {
  readonly replica: string
  readonly collected: string
  readonly knowledge: string
  readonly digest: string
  readonly seq: number
  readonly files: number
  readonly dirs: number
  readonly bytes: number
  readonly tombstones: number
}

type Command = Statement<unknown[]>

export interface Statements {
  readonly begin: Command
  readonly beginReading: Command
  readonly commit: Command
  readonly rollback: Command
  readonly byPath: Statement<[path: string], RawRow>
  readonly bySeq: Statement<[seq: number], RawRow>
  readonly below: Statement<[after: string, before: string, limit: number], RawRow>
  readonly hasBelow: Statement<[after: string, before: string], unknown>
  readonly mayHaveHash: Statement<[firstBytes: Buffer], unknown>
  readonly withHash: Statement<[hash: Buffer, sameHash: Buffer, limit: number], RawRow>
  readonly containing: Statement<[text: string, limit: number], RawRow>
  readonly headsSince: Statement<[seq: number, limit: number], [seq: number, vector: string]>
  readonly oldByPath: Statement<[path: string], [kind: number, deleted: number, size: number, vector: string]>
  readonly tombstones: Statement<[seq: number, limit: number], [seq: number, path: string, vector: string]>
  readonly drop: Statement<[path: string], [path: string]>
  readonly members: Statement<[], { node: string; word: string }>
  readonly putMember: Command
  readonly forgetMembers: Command
  readonly scope: Statement<[], string | null>
  readonly writeScope: Command
  readonly put: Command
  readonly restat: Command
  readonly meta: Statement<[], MetaRow>
  readonly writeMeta: Command
  readonly reincarnate: Command
  readonly closeCleanly: Command
}

/** Every statement of the index, prepared once. */
export function prepareStatements(database: Database): Statements {
  const raw = <P extends unknown[], R>(sql: string): Statement<P, R> => database.prepare<P, R>(sql).raw()
  const columnCount = columns.split(',').length
  return {
    begin: database.prepare('BEGIN IMMEDIATE'),
    beginReading: database.prepare('BEGIN DEFERRED'),
    commit: database.prepare('COMMIT'),
    rollback: database.prepare('ROLLBACK'),
    byPath: raw(`SELECT ${columns} FROM entry WHERE path = ?`),
    bySeq: raw(`SELECT ${columns} FROM entry WHERE seq = ?`),
    hasBelow: database.prepare('SELECT 1 FROM entry WHERE path > ? AND path < ? LIMIT 1'),
    below: raw(`SELECT ${columns} FROM entry WHERE path > ? AND path < ? AND deleted = 0 ORDER BY path LIMIT ?`),
    mayHaveHash: database.prepare(
      'SELECT 1 FROM entry WHERE substr(hash, 1, 6) = ? AND deleted = 0 AND kind = 0 LIMIT 1',
    ),
    withHash: raw(
      `SELECT ${columns} FROM entry
       WHERE substr(hash, 1, 6) = substr(?, 1, 6) AND hash = ? AND deleted = 0 AND kind = 0 LIMIT ?`,
    ),
    containing: raw(`SELECT ${columns} FROM entry WHERE deleted = 0 AND instr(path, ?) > 0 ORDER BY path LIMIT ?`),
    headsSince: raw('SELECT seq, vector FROM entry WHERE seq > ? ORDER BY seq LIMIT ?'),
    oldByPath: raw('SELECT kind, deleted, size, vector FROM entry WHERE path = ?'),
    tombstones: raw('SELECT seq, path, vector FROM entry WHERE deleted = 1 AND seq > ? ORDER BY seq LIMIT ?'),
    drop: raw('DELETE FROM entry WHERE path = ? AND deleted = 1 RETURNING path'),
    members: database.prepare('SELECT node, word FROM member ORDER BY node'),
    putMember: database.prepare('INSERT INTO member (node, word) VALUES (?, ?)'),
    forgetMembers: database.prepare('DELETE FROM member'),
    scope: database.prepare<[], string | null>('SELECT scope FROM replica').pluck(),
    writeScope: database.prepare('UPDATE replica SET scope = ?'),
    // REPLACE drops the row that has this path, so the path moves to the end of the order.
    put: database.prepare(`REPLACE INTO entry (${columns}) VALUES (${Array(columnCount).fill('?').join(', ')})`),
    restat: database.prepare(
      'UPDATE entry SET stat_mtime_us = ?, stat_ctime_us = ?, stat_size = ?, stat_inode = ?, stat_mode = ? WHERE path = ?',
    ),
    meta: database.prepare<[], MetaRow>(
      'SELECT replica, knowledge, collected, digest, seq, files, dirs, bytes, tombstones FROM replica',
    ),
    writeMeta: database.prepare(
      'UPDATE replica SET knowledge = ?, collected = ?, digest = ?, seq = ?, files = ?, dirs = ?, bytes = ?, tombstones = ?',
    ),
    reincarnate: database.prepare('UPDATE replica SET replica = ?'),
    closeCleanly: database.prepare('UPDATE replica SET closed_cleanly = 1'),
  }
}
