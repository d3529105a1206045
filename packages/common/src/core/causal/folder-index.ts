import type { Heard } from './heard.ts'
import type { Member } from './members.ts'
import type { Digest, Entry, RelativePath, ReplicaId, Row, VersionVector } from './types.ts'

export interface FolderMeta {
  readonly replica: ReplicaId
  readonly knowledge: VersionVector
  readonly digest: Digest
  /** Tombstones up to here may have been dropped; never above `knowledge`. */
  readonly collected: VersionVector
  /** Highest sequence number given out. */
  readonly seq: number
}

/** What deciding about a tombstone takes. */
export interface TombstoneHead {
  readonly path: RelativePath
  readonly vector: VersionVector
}

export interface IndexChange {
  readonly rows: readonly (Entry & { readonly stat: Row['stat'] })[]
  readonly knowledge?: VersionVector | undefined
  /** Tombstones that go; a row that is no tombstone stays. */
  readonly dropped?: readonly RelativePath[] | undefined
  readonly collected?: VersionVector | undefined
}

export interface FolderTotals {
  readonly files: number
  readonly dirs: number
  readonly bytes: number
  readonly tombstones: number
}

/** The index of one folder. All calls are synchronous; one process and one loop own it. */
export interface FolderIndex {
  meta(): FolderMeta
  get(path: RelativePath): Row | undefined
  getMany(paths: readonly RelativePath[]): Map<RelativePath, Row>
  /** Live rows strictly below a directory, in path order; at most `limit`. */
  below(path: RelativePath, limit: number): Row[]
  /** Whether any row, be it a tombstone, lies strictly below a directory. */
  hasBelow(path: RelativePath): boolean
  /** Live files with this content; at most `limit`. */
  withHash(hash: string, limit: number): Row[]
  /** Live rows with this text in their path, in path order; at most `limit`. Reads every path. */
  containing(text: string, limit: number): Row[]
  /** Rows with seq > since in seq order that are not covered by `knowledge` (all when undefined) and not among `heard`, at most
   *  `limit`. `toSeq` is the highest seq examined; `complete` says nothing is left after it. */
  since(
    since: number,
    knowledge: VersionVector | undefined,
    limit: number,
    heard?: Heard,
  ): { rows: Row[]; toSeq: number; complete: boolean }
  /** Tombstones with seq > since in seq order, at most `limit`. */
  tombstones(since: number, limit: number): { rows: TombstoneHead[]; toSeq: number; complete: boolean }
  /** One transaction: what is dropped goes, then rows (each gets the next seq, in order; the digest is kept) and, if given, the new
   *  knowledge. */
  commit(change: IndexChange): FolderMeta
  /** What is remembered of the members of the folder. */
  members(): readonly Member[]
  keepMembers(members: readonly Member[]): void
  /** What the replica ignores stands in here. When that has changed, knowledge falls back to the replica's own writes: it may say of
   *  paths that were ignored until now that they have been seen. */
  rescope(scope: string): void
  /** Only the local stat signatures changed (a touch): no new seq. */
  restat(items: readonly { path: RelativePath; stat: Row['stat'] }[]): void
  reincarnate(replica: ReplicaId): void
  totals(): FolderTotals
  close(): void
}
