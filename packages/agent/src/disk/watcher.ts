import { readFileSync, realpathSync } from 'node:fs'
import type { RelativePath } from '@spansync/common/core/causal/types'
import type { IgnoreMatcher } from '@spansync/common/core/policy/ignore'
import type { Hint } from '@spansync/common/ports'
import type { Logger } from '@spansync/common/runtime/logger'
import { ChokidarWatches } from './chokidar-watches.ts'
import { markerDirectory } from './marker.ts'
import type { WatchBackend, WatchSink } from './watch-backend.ts'
import { WatchTree } from './watch-tree.ts'
import { degradedBy, type WatchDegradedError } from './watcher-errors.ts'

export interface WatcherOptions {
  /** Absolute. */
  readonly root: string
  readonly ignore: IgnoreMatcher
  /** Everything since the last call, each path once. Not settled: a file may be in the middle of being written. */
  readonly onHints: (hints: readonly Hint[]) => void
  /** Once per cause. */
  readonly onDegraded: (problem: WatchDegradedError) => void
  readonly log: Pick<Logger, 'debug'>
  /** What the index holds below a directory. Asked when a directory appears or is replaced, so that what was in the one before is
   *  looked at too; without it those rows wait for the next scan. */
  readonly known?: (directory: RelativePath) => Iterable<RelativePath>
  /** Default: `tree` on Linux, `chokidar` elsewhere. */
  readonly backend?: 'tree' | 'chokidar'
}

/** Tells which paths may have changed, by the system's watches on all directories of a folder. A hint for a directory that is gone
 *  stands for everything that was in it. */
export interface Watcher extends AsyncDisposable {
  /** Resolves when all directories are watched. What changed before that moment is not reported: scan then. */
  start(): Promise<void>
}

export function createWatcher(options: WatcherOptions): Watcher {
  return new FolderWatcher(options)
}

class FolderWatcher implements Watcher, WatchSink {
  readonly #options: WatcherOptions
  readonly #reported = new Set<string>()
  readonly #overflow = overflowThreshold()
  #backend: WatchBackend | undefined
  #pending = new Set<RelativePath>()
  #rescan: string | undefined
  #events = 0
  #directories = 0
  #scheduled = false
  #ready = false

  constructor(options: WatcherOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    const root = realPath(this.#options.root)
    const kind = this.#options.backend ?? (process.platform === 'linux' ? 'tree' : 'chokidar')
    const backend = kind === 'tree' ? new WatchTree(root, this) : new ChokidarWatches(root, this)
    this.#backend = backend
    await backend.start()
    this.#ready = true
    this.#options.log.debug({ event: 'watcher.ready', backend: kind, directories: this.#directories })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const backend = this.#backend
    this.#backend = undefined
    this.#pending.clear()
    await backend?.close()
  }

  changed(path: RelativePath): void {
    this.#events++
    // At the root itself or at the marker: whether this is the folder at all is for a scan to say.
    if (path === '' || path === markerDirectory) this.#rescan ??= 'root_changed'
    else this.#hint(path)
    this.#schedule()
  }

  listed(directory: RelativePath, names: readonly string[]): void {
    this.#directories++
    if (!this.#ready) return
    for (const name of names) this.#hint(directory === '' ? name : `${directory}/${name}`)
    for (const path of this.#options.known?.(directory) ?? []) this.#hint(path)
    this.#schedule()
  }

  failed(error: unknown): void {
    const problem = degradedBy(this.#options.root, error)
    if (problem === undefined) this.#options.log.debug({ event: 'watcher.path_failed', err: error })
    else if (!this.#reported.has(problem.code)) {
      this.#reported.add(problem.code)
      this.#options.onDegraded(problem)
    }
  }

  isIgnored(path: RelativePath): boolean {
    return this.#options.ignore.matches(path)
  }

  #hint(path: RelativePath): void {
    if (this.#ready && !this.#pending.has(path) && !this.isIgnored(path)) this.#pending.add(path)
  }

  /** After all events that the system had waiting. */
  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => this.#flush())
  }

  #flush(): void {
    this.#scheduled = false
    // A full queue loses events without a word; half a queue in one go says that it may have been full.
    if (this.#events >= this.#overflow) this.#rescan ??= 'events_lost'
    this.#events = 0
    const hints: Hint[] = Array.from(this.#pending, (path) => ({ kind: 'path', path }))
    if (this.#rescan !== undefined) hints.push({ kind: 'rescan', reason: this.#rescan })
    this.#pending = new Set()
    this.#rescan = undefined
    if (hints.length > 0 && this.#backend !== undefined && this.#ready) this.#options.onHints(hints)
  }
}

function realPath(root: string): string {
  try {
    return realpathSync(root)
  } catch {
    return root
  }
}

function overflowThreshold(): number {
  try {
    return Number(readFileSync('/proc/sys/fs/inotify/max_queued_events', 'utf8')) / 2
  } catch {
    return 8192
  }
}
