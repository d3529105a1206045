import { addToDigest, removeFromDigest } from '@spansync/common/core/causal/digest'
import type { IndexChange, TombstoneHead } from '@spansync/common/core/causal/folder-index'
import { type Heard, isHeld, nothingHeard } from '@spansync/common/core/causal/heard'
import type { Member } from '@spansync/common/core/causal/members'
import { ownOnly } from '@spansync/common/core/causal/own-only'
import type {
  Digest,
  Entry,
  NodeId,
  RelativePath,
  ReplicaId,
  Row,
  VersionVector,
} from '@spansync/common/core/causal/types'
import type { FolderIndex, FolderMeta, FolderTotals } from '@spansync/common/ports'
import type { Database } from 'better-sqlite3'
import { guarded, UnexpectedContentError } from './errors.ts'
import { RowCache } from './row-cache.ts'
import { decodeRow, encodeHash, encodeRow, encodeStat, type RawRow } from './row-codec.ts'
import { prepareStatements, type Statements } from './statements.ts'
import { count } from './totals.ts'

type CommitRow = Entry & { readonly stat: Row['stat'] }
type Word = Omit<Member, 'node'>

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
      collected: JSON.parse(row.collected) as VersionVector,
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

  tombstones(since: number, limit: number): { rows: TombstoneHead[]; toSeq: number; complete: boolean } {
    return guarded(this.#file, () => {
      const found = this.#statements.tombstones.all(since, limit)
      const rows = found.map(([, path, vector]) => ({ path, vector: JSON.parse(vector) as VersionVector }))
      const complete = found.length < limit
      return { rows, toSeq: complete ? this.#meta.seq : (found.at(-1)?.[0] ?? since), complete }
    })
  }

  commit(change: IndexChange): FolderMeta {
    return guarded(this.#file, () => {
      const before = { meta: this.#meta, totals: this.#totals }
      try {
        this.#writing(() => {
          for (const path of change.dropped ?? []) this.#drop(path)
          for (const row of change.rows) this.#put(row)
          const { knowledge = this.#meta.knowledge, collected = this.#meta.collected } = change
          this.#meta = { ...this.#meta, knowledge, collected }
          this.#writeMeta()
        })
      } catch (error) {
        this.#cache.clear()
        this.#meta = before.meta
        this.#totals = before.totals
        throw error
      }
      return this.#meta
    })
  }

  members(): readonly Member[] {
    return guarded(this.#file, () =>
      this.#statements.members.all().map(({ node, word }) => ({ node: node as NodeId, ...(JSON.parse(word) as Word) })),
    )
  }

  keepMembers(members: readonly Member[]): void {
    guarded(this.#file, () =>
      this.#writing(() => {
        this.#statements.forgetMembers.run()
        for (const { node, ...word } of members)
          this.#statements.putMember.run(node, JSON.stringify(word satisfies Word))
      }),
    )
  }

  rescope(scope: string): void {
    guarded(this.#file, () => {
      const before = this.#statements.scope.get()
      if (before === scope) return
      this.#writing(() => {
        if (before !== null && before !== undefined) this.#meta = ownOnly(this.#meta)
        this.#statements.writeScope.run(scope)
        this.#writeMeta()
      })
    })
  }

  restat(items: Parameters<FolderIndex['restat']>[0]): void {
    if (items.length === 0) return
    guarded(this.#file, () =>
      this.#writing(() => {
        for (const { path, stat } of items) {
          this.#statements.restat.run(...encodeStat(stat), path)
          this.#cache.forget(path)
        }
      }),
    )
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

  /** All or nothing. */
  #writing(work: () => void): void {
    this.#statements.begin.run()
    try {
      work()
      this.#statements.commit.run()
    } catch (error) {
      if (this.#database.inTransaction) this.#statements.rollback.run()
      throw error
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

  #drop(path: RelativePath): void {
    if (this.#statements.drop.get(path) === undefined) return
    this.#cache.forget(path)
    this.#totals = { ...this.#totals, tombstones: this.#totals.tombstones - 1 }
  }

  #put(row: CommitRow): void {
    let { digest } = this.#meta
    const old = this.#statements.oldByPath.get(row.path)
    if (old !== undefined) {
      const [kind, deleted, size, vector] = old
      const gone = { path: row.path, vector: JSON.parse(vector) as VersionVector, deleted: deleted === 1 }
      digest = removeFromDigest(digest, gone)
      this.#totals = count(this.#totals, { kind: kind === 1 ? 'dir' : 'file', deleted: deleted === 1, size }, -1)
    }
    const seq = this.#meta.seq + 1
    this.#statements.put.run(...encodeRow(seq, row))
    this.#cache.put(row.path, { ...row, seq })
    this.#totals = count(this.#totals, row, 1)
    this.#meta = { ...this.#meta, seq, digest: addToDigest(digest, row) }
  }

  #writeMeta(): void {
    const { knowledge, collected, digest, seq } = this.#meta
    const { files, dirs, bytes, tombstones } = this.#totals
    const vectors = [JSON.stringify(knowledge), JSON.stringify(collected)]
    this.#statements.writeMeta.run(...vectors, digest, seq, files, dirs, bytes, tombstones)
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
