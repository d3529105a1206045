import { EventEmitter } from 'node:events'
import { type Dirent, readdirSync } from 'node:fs'
import { basename, join, sep } from 'node:path'
import type { RelativePath } from '@spansync/common/core/causal/types'
import { FSWatcher } from 'chokidar'
import { glance } from './stat.ts'
import type { WatchBackend, WatchSink } from './watch-backend.ts'

type ScanStream = ReturnType<FSWatcher['createScanStream']>
type ScanOptions = NonNullable<Parameters<FSWatcher['createScanStream']>[1]>
type OnListed = (directory: string, entries: readonly Dirent[]) => void

/** chokidar, for the systems other than Linux; there it has one recursive watch of the system's own. Hints come from its raw events,
 *  which report all that the system says (chmod too); it is told to take an interest in directories only. */
export class ChokidarWatches implements WatchBackend {
  readonly #root: string
  readonly #sink: WatchSink
  /** Directories that chokidar has read and not yet found gone. */
  readonly #directories = new Set<RelativePath>()
  readonly #watcher: DirectoryWatcher

  constructor(root: string, sink: WatchSink) {
    this.#root = root
    this.#sink = sink
    this.#watcher = new DirectoryWatcher(
      (directory, entries) => this.#listed(directory, entries),
      (path, isDirectory) => this.#ignored(path, isDirectory),
    )
  }

  async start(): Promise<void> {
    const watcher = this.#watcher
    watcher.on('raw', (_event, name, details) => this.#raw(name, details))
    watcher.on('unlinkDir', (path) => this.#gone(path))
    watcher.on('error', (error) => this.#sink.failed(error))
    await new Promise<void>((resolve) => {
      watcher.once('ready', resolve)
      watcher.add(this.#root)
    })
  }

  close(): Promise<void> {
    return this.#watcher.close()
  }

  /** The name is null when the event is about the watched directory itself. */
  #raw(name: string | null, details: unknown): void {
    const { watchedPath } = details as { watchedPath: string }
    const path = this.#relative(name === null ? watchedPath : join(watchedPath, name))
    if (path === undefined) return
    this.#sink.changed(path)
    if (this.#isRootItself(path)) this.#sink.changed('')
  }

  #listed(directory: string, entries: readonly Dirent[]): void {
    const path = this.#relative(directory)
    if (path === undefined) return
    this.#directories.add(path)
    this.#sink.listed(
      path,
      entries.map((entry) => entry.name),
    )
  }

  #gone(directory: string): void {
    const path = this.#relative(directory)
    if (path === undefined) return
    this.#directories.delete(path)
    this.#sink.changed(path)
  }

  /** When chokidar does not say what a path is, that must be looked up: for a name that it takes for a vanished one it would read the
   *  whole directory again, once per deleted file. */
  #ignored(full: string, isDirectory: boolean | undefined): boolean {
    const path = this.#relative(full)
    if (path === undefined || path === '') return false
    if (this.#sink.isIgnored(path)) return true
    if (isDirectory !== undefined) return !isDirectory
    if (this.#directories.has(path)) return false
    return !(glance(full)?.isDirectory() ?? this.#isRootItself(path))
  }

  /** A watched directory that is moved or deleted is named as if it were in itself. The others have a parent that says it better. */
  #isRootItself(path: RelativePath): boolean {
    return path === basename(this.#root) && glance(join(this.#root, path)) === undefined
  }

  /** Undefined outside the root: chokidar watches above it while it is missing. */
  #relative(full: string): RelativePath | undefined {
    if (full === this.#root) return ''
    if (!full.startsWith(this.#root) || full[this.#root.length] !== sep) return undefined
    const path = full.slice(this.#root.length + 1)
    return sep === '/' ? path : path.replaceAll(sep, '/')
  }
}

/** Lists directories in our way. chokidar's own (an asynchronous lstat of every file, all directories at once) leaves some 400 MB
 *  behind at 100,000 files, this one 25 MB. `createScanStream` is not documented: the version is pinned, and watcher.test.ts fails when
 *  it is not called any more. */
class DirectoryWatcher extends FSWatcher {
  readonly #onListed: OnListed

  constructor(onListed: OnListed, ignored: (path: string, isDirectory: boolean | undefined) => boolean) {
    super({
      ignoreInitial: true,
      // Would hide names such as `a~` and wait for 100 ms.
      atomic: false,
      followSymlinks: false,
      ignored: (path, stats) => ignored(path, stats?.isDirectory()),
    })
    this.#onListed = onListed
  }

  override createScanStream(directory: string, options: ScanOptions = {}): ScanStream {
    if (this.closed) return undefined
    const stream = Object.assign(new EventEmitter(), { destroy: () => {} })
    // The listeners come with the return.
    queueMicrotask(() => this.#list(directory, options, stream))
    return stream as unknown as ScanStream
  }

  #list(directory: string, options: ScanOptions, stream: EventEmitter): void {
    try {
      const entries = readdirSync(directory, { withFileTypes: true })
      this.#onListed(directory, entries)
      // A recursive watch needs no list of the directories below.
      const isRecursive = 'depth' in options && options.depth === undefined
      if (!isRecursive) emitDirectories(directory, entries, options, stream)
      stream.emit('end')
    } catch (error) {
      stream.emit('error', error)
    }
  }
}

function emitDirectories(
  directory: string,
  entries: readonly Dirent[],
  options: ScanOptions,
  stream: EventEmitter,
): void {
  for (const entry of entries) {
    if (!entry.isDirectory()) continue
    const fullPath = join(directory, entry.name)
    const stats = glance(fullPath)
    if (stats === undefined) continue
    const info = { path: entry.name, fullPath, basename: entry.name, stats }
    const { directoryFilter } = options
    if (typeof directoryFilter !== 'function' || directoryFilter(info)) stream.emit('data', info)
  }
}
