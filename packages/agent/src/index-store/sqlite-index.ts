import { addToDigest, removeFromDigest } from '@spansync/common/core/causal/digest'
import { type Heard, isHeld, nothingHeard } from '@spansync/common/core/causal/heard'
import type { Digest, Entry, RelativePath, ReplicaId, Row, VersionVector } from '@spansync/common/core/causal/types'
import type { FolderIndex, FolderMeta, FolderTotals } from '@spansync/common/ports'
import type { Database } from 'better-sqlite3'
import { guarded, UnexpectedContentError } from './errors.ts'
import { RowCache } from './row-cache.ts'
import { decodeRow, encodeHash, encodeRow, encodeStat, type RawRow } from './row-codec.ts'
import { prepareStatements, type Statements } from './statements.ts'
import { count } from './totals.ts'

type Change = Parameters<FolderIndex['commit']>[0]
type CommitRow = Entry & { readonly stat: Row['stat'] }

// Rows looked at per page of `since`, and per call: one call must not hold up the loop for long.
const page = 1000
const mostExamined = 20_000
// About 5 MB.
const cachedRows = 8192

/** A FolderIndex in one SQLite file. Made by `openIndex`. */
export class SqliteIndex implements FolderIndex {
  readonly #database: Database
  readonly #file: string
  readonly #statements: Statements
  readonly #cache = new RowCache(cachedRows)
  #meta: FolderMeta
  #totals: FolderTotals

  constructor(database: Database, file: string) {
    this.#database = database
    this.#file = file
    this.#statements = prepareStatements(database)
    const row = this.#statements.meta.get()
    if (row === undefined) throw new UnexpectedContentError('the row of the replica is missing')
    this.#meta = {
      replica: row.replica as ReplicaId,
      knowledge: JSON.parse(row.knowledge) as VersionVector,
      digest: row.digest as Digest,
      seq: row.seq,
    }
    this.#totals = { files: row.files, dirs: row.dirs, bytes: row.bytes, tombstones: row.tombstones }
  }

  meta(): FolderMeta {
    return this.#meta
  }

  totals(): FolderTotals {
    return this.#totals
  }

  get(path: RelativePath): Row | undefined {
    return guarded(this.#file, () => this.#cached(path))
  }

  getMany(paths: readonly RelativePath[]): Map<RelativePath, Row> {
    return this.#reading(() => {
      const found = new Map<RelativePath, Row>()
      for (const path of paths) {
        const row = this.#cached(path)
        if (row !== undefined) found.set(path, row)
      }
      return found
    })
  }

  below(path: RelativePath, limit: number): Row[] {
    return guarded(this.#file, () => this.#statements.below.all(...rangeBelow(path), limit).map(decodeRow))
  }

  hasBelow(path: RelativePath): boolean {
    return guarded(this.#file, () => this.#statements.hasBelow.get(...rangeBelow(path)) !== undefined)
  }

  withHash(hash: string, limit: number): Row[] {
    const bytes = encodeHash(hash)
    return guarded(this.#file, () => {
      // Mostly nothing is there, and that is a third of the work to find out.
      if (this.#statements.mayHaveHash.get(bytes.subarray(0, 6)) === undefined) return []
      return this.#statements.withHash.all(bytes, bytes, limit).map(decodeRow)
    })
  }

  containing(text: string, limit: number): Row[] {
    return guarded(this.#file, () => this.#statements.containing.all(text, limit).map(decodeRow))
  }

  since(
    since: number,
    knowledge: VersionVector | undefined,
    limit: number,
    heard = nothingHeard,
  ): ReturnType<FolderIndex['since']> {
    return this.#reading(() => {
      const rows: Row[] = []
      const covered = coverage(knowledge, heard)
      let cursor = since
      for (let examined = 0; examined < mostExamined && rows.length < limit; ) {
        const wanted = knowledge === undefined ? Math.min(page, limit - rows.length) : page
        const heads = this.#statements.headsSince.all(cursor, wanted)
        for (const [seq, vector] of heads) {
          if (rows.length === limit) return { rows, toSeq: cursor, complete: false }
          cursor = seq
          if (!covered(vector)) rows.push(decodeRow(this.#statements.bySeq.get(seq) as RawRow))
        }
        if (heads.length < wanted) return { rows, toSeq: Math.max(since, this.#meta.seq), complete: true }
        examined += heads.length
      }
      return { rows, toSeq: cursor, complete: cursor >= this.#meta.seq }
    })
  }

  commit(change: Change): FolderMeta {
    return guarded(this.#file, () => {
      const before = { meta: this.#meta, totals: this.#totals }
      this.#statements.begin.run()
      try {
        for (const row of change.rows) this.#put(row)
        if (change.knowledge !== undefined) this.#meta = { ...this.#meta, knowledge: change.knowledge }
        this.#writeMeta()
        this.#statements.commit.run()
      } catch (error) {
        this.#cache.clear()
        this.#meta = before.meta
        this.#totals = before.totals
        if (this.#database.inTransaction) this.#statements.rollback.run()
        throw error
      }
      return this.#meta
    })
  }

  restat(items: Parameters<FolderIndex['restat']>[0]): void {
    if (items.length === 0) return
    guarded(this.#file, () => {
      this.#statements.begin.run()
      try {
        for (const { path, stat } of items) {
          this.#statements.restat.run(...encodeStat(stat), path)
          this.#cache.forget(path)
        }
        this.#statements.commit.run()
      } catch (error) {
        if (this.#database.inTransaction) this.#statements.rollback.run()
        throw error
      }
    })
  }

  reincarnate(replica: ReplicaId): void {
    guarded(this.#file, () => {
      this.#statements.reincarnate.run(replica)
      this.#meta = { ...this.#meta, replica }
    })
  }

  close(): void {
    if (!this.#database.open) return
    try {
      this.#statements.closeCleanly.run()
    } finally {
      this.#database.close()
    }
  }

  /** Many reads in one transaction: else each locks the file and lets it go again, which costs as much as the read. */
  #reading<T>(work: () => T): T {
    return guarded(this.#file, () => {
      this.#statements.beginReading.run()
      try {
        return work()
      } finally {
        if (this.#database.inTransaction) this.#statements.commit.run()
      }
    })
  }

  #cached(path: RelativePath): Row | undefined {
    return this.#cache.get(path, () => {
      const raw = this.#statements.byPath.get(path)
      return raw === undefined ? undefined : decodeRow(raw)
    })
  }

  #put(row: CommitRow): void {
    let { digest } = this.#meta
    const old = this.#statements.oldByPath.get(row.path)
    if (old !== undefined) {
      const [kind, deleted, size, vector] = old
      digest = removeFromDigest(digest, { path: row.path, vector: JSON.parse(vector) as VersionVector })
      this.#totals = count(this.#totals, { kind: kind === 1 ? 'dir' : 'file', deleted: deleted === 1, size }, -1)
    }
    const seq = this.#meta.seq + 1
    this.#statements.put.run(...encodeRow(seq, row))
    this.#cache.put(row.path, { ...row, seq })
    this.#totals = count(this.#totals, row, 1)
    this.#meta = { ...this.#meta, seq, digest: addToDigest(digest, row) }
  }

  #writeMeta(): void {
    const { knowledge, digest, seq } = this.#meta
    const { files, dirs, bytes, tombstones } = this.#totals
    this.#statements.writeMeta.run(JSON.stringify(knowledge), digest, seq, files, dirs, bytes, tombstones)
  }
}

/** Is a vector (as stored) covered? Many neighbours in a row have the same text, so the last answer is kept. */
function coverage(knowledge: VersionVector | undefined, heard: Heard): (vector: string) => boolean {
  if (knowledge === undefined && heard.size === 0) return () => false
  let last = ''
  let answer = false
  return (vector) => {
    if (vector !== last) {
      answer = isHeld(JSON.parse(vector) as VersionVector, knowledge, heard)
      last = vector
    }
    return answer
  }
}

/** '0' is the character after '/', so this is exactly what starts with `path/`. The root has no such prefix. */
function rangeBelow(path: RelativePath): [from: string, to: string] {
  return path === '' ? ['', '\u{10ffff}'] : [`${path}/`, `${path}0`]
}
