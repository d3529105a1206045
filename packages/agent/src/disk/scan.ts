import { type Dirent, readdirSync } from 'node:fs'
import type { FolderId, RelativePath } from '@spansync/common/core/causal/types'
import { compileFileRules, type FileRules, type IsWantedFile } from '@spansync/common/core/policy/filter'
import { compileIgnore, type IgnoreMatcher } from '@spansync/common/core/policy/ignore'
import type { Observation } from '@spansync/common/ports'
import { errnoOf, messageOf } from '@spansync/common/runtime/errors'
import Database from 'better-sqlite3'
import { isLeftover } from '../unison/leftovers.ts'
import { checkMarker } from './marker.ts'
import { comparePaths, isTooLong, isUsablePath } from './path-rules.ts'
import { RowCursor, type RowHead, rowHeadOf } from './row-cursor.ts'
import { kindOf, lstat, nameOfType, sameSignature, signatureOf } from './stat.ts'

export type ScanProblem = Extract<Observation, { readonly problem: string }>

export interface ScanBatch {
  /** Paths where disk and index disagree, to be observed. At most 200. */
  readonly paths: readonly RelativePath[]
  readonly problems: readonly ScanProblem[]
}

export interface ScanSummary {
  readonly entries: number
  readonly candidates: number
  readonly problems: number
  readonly durationMs: number
  /** Unfinished files of sessions; the first of them. */
  readonly leftovers: readonly string[]
}

export interface ScanTask {
  readonly root: string
  readonly folder: FolderId
  /** The index to compare with. Without one everything is a candidate. */
  readonly indexFile: string | undefined
  readonly ignore: readonly string[]
  /** A file that these leave out is no candidate. */
  readonly files?: FileRules | undefined
  /** Only this path and what is below it. */
  readonly under: RelativePath | undefined
}

export interface ScanSink {
  emit(batch: ScanBatch): void
  /** Throws when the scan shall end. */
  checkAborted(): void
}

// Small: what a thread and the agent hold of a batch at a time is what stays in their heaps (1000: 30 MB more after a first scan).
const batchSize = 200
const mostLeftovers = 200

/** One walk over the disk beside one walk over the index, both in the order of paths: so neither is ever held in memory. What it
 *  finds are hints, as the watcher's are. Throws a MarkerError as soon as the root is not the folder any more, and before that
 *  nothing is reported that vanished with it. */
export function scan(task: ScanTask, sink: ScanSink): ScanSummary {
  checkMarker(task.root, task.folder)
  const database = task.indexFile === undefined ? undefined : new Database(task.indexFile, { readonly: true })
  try {
    database?.pragma('cache_size = -1000')
    return new Scan(task, sink, database).run()
  } finally {
    database?.close()
  }
}

class Scan {
  readonly #task: ScanTask
  readonly #sink: ScanSink
  readonly #database: Database.Database | undefined
  readonly #rows: RowCursor | undefined
  readonly #ignore: IgnoreMatcher
  readonly #isWanted: IsWantedFile
  readonly #started = performance.now()
  #paths: RelativePath[] = []
  #problems: ScanProblem[] = []
  #counts = { entries: 0, candidates: 0, problems: 0 }
  readonly #leftovers: string[] = []

  constructor(task: ScanTask, sink: ScanSink, database: Database.Database | undefined) {
    this.#task = task
    this.#sink = sink
    this.#database = database
    this.#ignore = compileIgnore(task.ignore).matcher
    this.#isWanted = compileFileRules(task.files ?? [])
    const { under } = task
    const [after, end] = under === undefined ? ['', '\u{10ffff}'] : [`${under}/`, `${under}0`]
    this.#rows = database === undefined ? undefined : new RowCursor(database, after, end)
  }

  run(): ScanSummary {
    const { under } = this.#task
    if (under === undefined) this.#directory('')
    else if (this.#top(under)) this.#directory(under)
    this.#vanishedBefore(undefined)
    this.#flush()
    checkMarker(this.#task.root, this.#task.folder)
    return { ...this.#counts, durationMs: performance.now() - this.#started, leftovers: this.#leftovers }
  }

  /** The path that a partial scan begins with. True when it is a directory. */
  #top(path: RelativePath): boolean {
    if (!isUsablePath(path) || this.#ignore.matches(path)) return false
    const row = this.#database === undefined ? undefined : rowHeadOf(this.#database, path)
    const stats = lstat(`${this.#task.root}/${path}`)
    if (stats === undefined && row !== undefined) this.#candidate(path)
    return stats !== undefined && this.#compare(path, row) === 'dir'
  }

  #directory(path: RelativePath): void {
    this.#sink.checkAborted()
    let entries: Dirent[]
    try {
      entries = readdirSync(`${this.#task.root}/${path}`, { withFileTypes: true })
    } catch (error) {
      this.#unreadable(path, error)
      return
    }
    for (const { key, entry } of inOrder(entries)) {
      const child = path === '' ? entry.name : `${path}/${entry.name}`
      if (this.#ignore.matchesEntry(child, entry.name)) {
        if (isLeftover(entry.name) && this.#leftovers.length < mostLeftovers) this.#leftovers.push(child)
        continue
      }
      // The key with the slash comes where the directory's content belongs in the order.
      if (key !== entry.name) this.#directory(child)
      else this.#entry(child)
    }
  }

  #entry(path: RelativePath): void {
    this.#counts.entries++
    this.#vanishedBefore(path)
    const row = this.#rows?.path() === path ? this.#rows.take() : undefined
    this.#compare(path, row)
  }

  /** Reports the path unless it is as its row says. Answers its kind. */
  #compare(path: RelativePath, row: RowHead | undefined): string | undefined {
    if (isTooLong(path)) return this.#problem({ path, code: 'bad_name', problem: 'the path is too long' })
    try {
      const stats = lstat(`${this.#task.root}/${path}`)
      if (stats === undefined) {
        if (path.includes('\ufffd'))
          return this.#problem({ path, code: 'bad_name', problem: 'the name is not valid UTF-8' })
        if (row !== undefined) this.#candidate(path)
        return undefined
      }
      const kind = kindOf(stats)
      if (kind === undefined) {
        return this.#problem({ path, code: 'unsupported', problem: `it is ${nameOfType(stats)}` })
      }
      const same = row?.stat !== undefined && row.kind === kind && sameSignature(row.stat, signatureOf(stats))
      if (!same && (kind !== 'file' || this.#isWanted(path, stats.size, row?.kind))) this.#candidate(path)
      return kind
    } catch (error) {
      return this.#problem({ path, code: 'unreadable', problem: messageOf(error) })
    }
  }

  /** Rows that the walk has passed by without meeting them on the disk. All the rest when `path` is undefined. */
  #vanishedBefore(path: RelativePath | undefined): void {
    if (this.#rows === undefined) return
    for (let row = this.#rows.path(); row !== undefined; row = this.#rows.path()) {
      if (path !== undefined && comparePaths(row, path) >= 0) return
      this.#rows.take()
      // What became ignored is still there, only not ours any more.
      if (!this.#ignore.matches(row)) this.#candidate(row)
    }
  }

  #unreadable(path: RelativePath, error: unknown): void {
    if (path === '') {
      checkMarker(this.#task.root, this.#task.folder)
      throw error
    }
    const code = errnoOf(error)
    // Gone since its parent was listed: its rows are found missing one by one.
    if (code === 'ENOENT' || code === 'ENOTDIR') return
    this.#problem({ path, code: 'unreadable', problem: messageOf(error) })
    this.#vanishedBefore(`${path}/`)
    this.#rows?.skipBelow(path)
  }

  #candidate(path: RelativePath): void {
    this.#counts.candidates++
    if (this.#paths.push(path) >= batchSize) this.#flush()
  }

  #problem(problem: ScanProblem): undefined {
    this.#counts.problems++
    if (this.#problems.push(problem) >= batchSize) this.#flush()
  }

  #flush(): void {
    if (this.#paths.length === 0 && this.#problems.length === 0) return
    checkMarker(this.#task.root, this.#task.folder)
    this.#sink.emit({ paths: this.#paths, problems: this.#problems })
    this.#paths = []
    this.#problems = []
  }
}

/** Entries in the order of the full paths below them: a directory comes twice, as `name` and, for its content, as `name/`. */
function inOrder(entries: readonly Dirent[]): { key: string; entry: Dirent }[] {
  const keys: { key: string; entry: Dirent }[] = []
  for (const entry of entries) {
    keys.push({ key: entry.name, entry })
    if (entry.isDirectory()) keys.push({ key: `${entry.name}/`, entry })
  }
  return keys.sort((left, right) => comparePaths(left.key, right.key))
}
