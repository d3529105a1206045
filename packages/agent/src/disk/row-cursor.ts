import type { Kind, RelativePath, StatSignature } from '@spansync/common/core/causal/types'
import type { Database, Statement } from 'better-sqlite3'
import { decodeStat } from '../index-store/row-codec.ts'
import { comparePaths } from './path-rules.ts'

type RawHead = readonly [
  path: string,
  kind: number,
  mtimeUs: number | null,
  ctimeUs: number | null,
  size: number | null,
  inode: number | null,
  mode: number | null,
]

const kinds: readonly Kind[] = ['file', 'dir', 'symlink']
const page = 1000
const selected = 'path, kind, stat_mtime_us, stat_ctime_us, stat_size, stat_inode, stat_mode'

export interface RowHead {
  readonly path: RelativePath
  readonly kind: Kind | undefined
  readonly stat: StatSignature | undefined
}

/** Walks over the live rows of an index in the order of their paths, a page at a time: no long read transaction, little memory. */
export class RowCursor {
  readonly #select: Statement<[string, string, number], RawHead>
  readonly #end: string
  #page: readonly RawHead[] = []
  #at = 0
  #last: string
  #exhausted = false

  /** Rows with a path in (after, end). */
  constructor(database: Database, after: string, end: string) {
    this.#select = database
      .prepare<[string, string, number], RawHead>(
        `SELECT ${selected} FROM entry WHERE path > ? AND path < ? AND deleted = 0 ORDER BY path LIMIT ?`,
      )
      .raw()
    this.#last = after
    this.#end = end
  }

  /** The path it stands at; undefined at the end. */
  path(): RelativePath | undefined {
    if (this.#at >= this.#page.length && !this.#exhausted) this.#load()
    return this.#page[this.#at]?.[0]
  }

  /** The row it stands at; moves on. */
  take(): RowHead {
    const [path, kind, mtimeUs, ctimeUs, size, inode, mode] = this.#page[this.#at++] as RawHead
    return { path, kind: kinds[kind], stat: decodeStat(mtimeUs, ctimeUs, size, inode, mode) }
  }

  /** Leaves out everything below a directory. */
  skipBelow(directory: RelativePath): void {
    const end = `${directory}0`
    while (this.#at < this.#page.length && comparePaths((this.#page[this.#at] as RawHead)[0], end) < 0) this.#at++
    if (this.#at < this.#page.length || this.#exhausted) return
    // `directory/` sorts before all that is skipped; the next page begins behind it.
    this.#page = []
    this.#at = 0
    this.#last = comparePaths(this.#last, end) < 0 ? `${directory}/\u{10ffff}` : this.#last
  }

  #load(): void {
    this.#page = this.#select.all(this.#last, this.#end, page)
    this.#at = 0
    this.#exhausted = this.#page.length < page
    this.#last = this.#page.at(-1)?.[0] ?? this.#last
  }
}

/** The live row of one path, by itself. */
export function rowHeadOf(database: Database, path: RelativePath): RowHead | undefined {
  const select = database
    .prepare<[string], RawHead>(`SELECT ${selected} FROM entry WHERE path = ? AND deleted = 0`)
    .raw()
  const raw = select.get(path)
  if (raw === undefined) return undefined
  return { path, kind: kinds[raw[1]], stat: decodeStat(raw[2], raw[3], raw[4], raw[5], raw[6]) }
}
