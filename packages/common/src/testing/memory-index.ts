import { addToDigest, emptyDigest, removeFromDigest } from '../core/causal/digest.ts'
import type { IndexChange, TombstoneHead } from '../core/causal/folder-index.ts'
import { isHeld, nothingHeard } from '../core/causal/heard.ts'
import type { Member } from '../core/causal/members.ts'
import { ownOnly } from '../core/causal/own-only.ts'
import type { RelativePath, ReplicaId, Row, VersionVector } from '../core/causal/types.ts'
import type { FolderIndex, FolderMeta, FolderTotals } from '../ports.ts'

/** A FolderIndex in memory, for simulations and tests. Same contract as the one in SQLite. */
export class MemoryIndex implements FolderIndex {
  #meta: FolderMeta
  readonly #rows = new Map<RelativePath, Row>()
  /** Every path that has ever had one below it, so that most questions need no look at all rows. */
  readonly #parents = new Set<RelativePath>([''])
  /** Rows by rising seq; a row that is no longer the one in `#rows` is stale and skipped. */
  #log: Row[] = []
  #members: readonly Member[] = []
  #scope: string | undefined

  constructor(replica: ReplicaId) {
    this.#meta = { replica, knowledge: {}, digest: emptyDigest, seq: 0, collected: {} }
  }

  meta(): FolderMeta {
    return this.#meta
  }

  get(path: RelativePath): Row | undefined {
    return this.#rows.get(path)
  }

  getMany(paths: readonly RelativePath[]): Map<RelativePath, Row> {
    const found = new Map<RelativePath, Row>()
    for (const path of paths) {
      const row = this.#rows.get(path)
      if (row !== undefined) found.set(path, row)
    }
    return found
  }

  below(path: RelativePath, limit: number): Row[] {
    if (!this.#parents.has(path)) return []
    const prefix = path === '' ? '' : `${path}/`
    return [...this.#rows.values()]
      .filter((row) => !row.deleted && row.path.startsWith(prefix))
      .sort((left, right) => comparePaths(left.path, right.path))
      .slice(0, limit)
  }

  hasBelow(path: RelativePath): boolean {
    return path === '' ? this.#rows.size > 0 : this.#parents.has(path)
  }

  withHash(hash: string, limit: number): Row[] {
    const found: Row[] = []
    for (const row of this.#rows.values()) {
      if (found.length >= limit) break
      if (!row.deleted && row.kind === 'file' && row.hash === hash) found.push(row)
    }
    return found
  }

  containing(text: string, limit: number): Row[] {
    return this.below('', Number.MAX_SAFE_INTEGER)
      .filter((row) => row.path.includes(text))
      .slice(0, limit)
  }

  since(
    since: number,
    knowledge: VersionVector | undefined,
    limit: number,
    heard = nothingHeard,
  ): ReturnType<FolderIndex['since']> {
    const rows: Row[] = []
    let cursor = since
    for (let at = this.#firstAfter(since); at < this.#log.length; at++) {
      const row = this.#log[at] as Row
      if (this.#rows.get(row.path)?.seq !== row.seq) continue
      if (rows.length === limit) return { rows, toSeq: cursor, complete: false }
      cursor = row.seq
      if (!isHeld(row.vector, knowledge, heard)) rows.push(this.#rows.get(row.path) as Row)
    }
    return { rows, toSeq: Math.max(since, this.#meta.seq), complete: true }
  }

  tombstones(since: number, limit: number): { rows: TombstoneHead[]; toSeq: number; complete: boolean } {
    const rows = [...this.#rows.values()]
      .filter(({ deleted, seq }) => deleted && seq > since)
      .sort((left, right) => left.seq - right.seq)
      .slice(0, limit)
    const complete = rows.length < limit
    return { rows, toSeq: complete ? this.#meta.seq : (rows.at(-1)?.seq ?? since), complete }
  }

  members(): readonly Member[] {
    return this.#members
  }

  keepMembers(members: readonly Member[]): void {
    this.#members = members
  }

  rescope(scope: string): void {
    if (this.#scope !== undefined && this.#scope !== scope) this.#meta = ownOnly(this.#meta)
    this.#scope = scope
  }

  commit(change: IndexChange): FolderMeta {
    let { seq, digest } = this.#meta
    for (const path of change.dropped ?? []) if (this.#rows.get(path)?.deleted) this.#rows.delete(path)
    for (const given of change.rows) {
      const old = this.#rows.get(given.path)
      if (old !== undefined) digest = removeFromDigest(digest, old)
      digest = addToDigest(digest, given)
      seq += 1
      this.#put({ ...given, seq })
    }
    const { knowledge = this.#meta.knowledge, collected = this.#meta.collected } = change
    this.#meta = { ...this.#meta, seq, digest, knowledge, collected }
    return this.#meta
  }

  restat(items: Parameters<FolderIndex['restat']>[0]): void {
    for (const { path, stat } of items) {
      const row = this.#rows.get(path)
      if (row !== undefined) this.#rows.set(path, { ...row, stat })
    }
  }

  reincarnate(replica: ReplicaId): void {
    this.#meta = { ...this.#meta, replica }
  }

  totals(): FolderTotals {
    const totals = { files: 0, dirs: 0, bytes: 0, tombstones: 0 }
    for (const row of this.#rows.values()) {
      if (row.deleted) totals.tombstones++
      else if (row.kind === 'dir') totals.dirs++
      else {
        totals.files++
        totals.bytes += row.size
      }
    }
    return totals
  }

  close(): void {}

  #put(row: Row): void {
    if (!this.#rows.has(row.path)) this.#noteParents(row.path)
    this.#rows.set(row.path, row)
    this.#log.push(row)
    // Each compaction halves the log at least, so its cost per row stays constant.
    if (this.#log.length > 2 * this.#rows.size + 64) {
      this.#log = this.#log.filter((logged) => this.#rows.get(logged.path)?.seq === logged.seq)
    }
  }

  #noteParents(path: RelativePath): void {
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1))
      this.#parents.add(path.slice(0, end))
  }

  /** Position in the log of the first row with a higher seq. */
  #firstAfter(seq: number): number {
    let low = 0
    let high = this.#log.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#log[middle] as Row).seq > seq) high = middle
      else low = middle + 1
    }
    return low
  }
}

/** Order of the bytes in UTF-8, as SQLite compares: by code point, where `<` on strings compares UTF-16 units. */
function comparePaths(left: string, right: string): number {
  const length = Math.min(left.length, right.length)
  for (let at = 0; at < length; at++) {
    const a = left.charCodeAt(at)
    const b = right.charCodeAt(at)
    if (a === b) continue
    // Surrogates stand for code points above all others.
    const aHigh = a >= 0xd800 && a <= 0xdfff
    const bHigh = b >= 0xd800 && b <= 0xdfff
    return aHigh === bHigh ? a - b : aHigh ? 1 : -1
  }
  return left.length - right.length
}
