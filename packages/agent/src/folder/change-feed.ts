import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { Seen } from '@spansync/common/core/agent/events'
import type { FolderId, RelativePath } from '@spansync/common/core/causal/types'
import type { FileRules } from '@spansync/common/core/policy/filter'
import type { IgnoreMatcher } from '@spansync/common/core/policy/ignore'
import type { Clock, Hint } from '@spansync/common/ports'
import type { Problem } from '@spansync/common/protocol/status'
import { type SpansyncError, toSpansyncError } from '@spansync/common/runtime/errors'
import type { Logger } from '@spansync/common/runtime/logger'
import type { DiskWorker } from '../disk/disk-worker.ts'
import { checkMarker } from '../disk/marker.ts'
import type { ScanProblem } from '../disk/scan.ts'
import { SettleQueue, settleDefaults } from '../disk/settle-queue.ts'
import { glance } from '../disk/stat.ts'
import { createWatcher, type Watcher } from '../disk/watcher.ts'
import { RootReplacedError } from './errors.ts'

export interface ChangeFeedOptions {
  readonly folder: FolderId
  readonly root: string
  readonly indexFile: string
  readonly ignore: readonly string[]
  readonly matcher: IgnoreMatcher
  readonly files?: FileRules
  readonly rescanMs: number
  readonly settleMs: number | undefined
  readonly disk: DiskWorker
  readonly clock: Clock
  readonly log: Logger
  /** Looks at paths and lets the loop decide. */
  readonly look: (paths: Iterable<RelativePath>) => Promise<readonly Seen[]>
  /** What the index holds below a directory, at most so many. */
  readonly below: (directory: RelativePath, limit: number) => RelativePath[]
  /** A change of our own making is expected here: look at once. */
  readonly isExpected: (path: RelativePath) => boolean
  /** A parcel is about to put it there, and will say what it has put. */
  readonly isComing: (path: RelativePath) => boolean
  /** How long to gather expected changes before looking, ms. */
  readonly gatherMs: () => number
  /** A session is copying the directory above whole, and looks at it in the end. */
  readonly isCovered: (path: RelativePath) => boolean
  readonly note: (problem: ScanProblem) => void
  /** A scan has come across unfinished files of sessions. Not the first one: of an earlier life's some are worth keeping. */
  readonly leftovers: (files: readonly string[]) => void
  readonly failed: (error: SpansyncError) => void
}

const degradedRescanMs = 60_000
const rootCheckMs = 4000

/** Where the loop hears of the disk: the watcher's hints, settled, and a scan at the start, from time to time, and on demand. */
export class ChangeFeed implements AsyncDisposable {
  readonly #options: ChangeFeedOptions
  readonly #watcher: Watcher
  readonly #settling: SettleQueue
  readonly #expected = new Set<RelativePath>()
  /** Hints at what is coming. */
  readonly #held = new Set<RelativePath>()
  readonly #stop = new AbortController()
  #timer: AbortController | undefined
  #dueAt = Number.POSITIVE_INFINITY
  #working: Promise<void> | undefined
  #scanning: Promise<void> | undefined
  #scanAgain = false
  degraded: Problem | undefined

  constructor(options: ChangeFeedOptions) {
    this.#options = options
    const { root, matcher, log } = options
    this.#settling = new SettleQueue(
      options.settleMs === undefined ? {} : { quietMs: options.settleMs, mostMs: 10 * options.settleMs },
    )
    this.#watcher = createWatcher({
      root,
      ignore: matcher,
      known: (directory) => options.below(directory, mostBelow),
      log,
      onHints: (hints) => this.#take(hints),
      onDegraded: (problem) => this.#degrade(problem),
    })
  }

  get isScanning(): boolean {
    return this.#scanning !== undefined
  }

  /** Something has been hinted at that nobody has looked at yet. */
  get hasHints(): boolean {
    return this.#working !== undefined || this.#expected.size > 0 || this.#settling.nextDue() !== undefined
  }

  async start(): Promise<void> {
    await this.#watcher.start()
    void this.#rescanForEver()
    void this.#guardRoot()
  }

  add(hints: readonly Hint[]): void {
    if (this.#stop.signal.aborted) return
    const now = this.#options.clock.now()
    for (const hint of hints) {
      if (hint.kind === 'rescan') this.#settling.addRescan(hint.reason, now)
      else if (this.#options.isComing(hint.path)) this.#held.add(hint.path)
      else if (this.#options.isExpected(hint.path)) this.#expected.add(hint.path)
      else if (!this.#options.isCovered(hint.path)) this.#settling.add(hint.path, now)
    }
    this.#schedule()
  }

  /** They are not coming any more: what was hinted at meanwhile is looked at now. */
  release(paths: Iterable<RelativePath>): void {
    const due: Hint[] = []
    for (const path of paths) if (this.#held.delete(path)) due.push({ kind: 'path', path })
    if (due.length > 0) this.add(due)
  }

  /** From the watcher, where nobody else would take an error: the index may be the one to fail. */
  #take(hints: readonly Hint[]): void {
    try {
      this.add(hints)
    } catch (error) {
      this.#fail(error)
    }
  }

  /** Looks at everything that is pending, settled or not. */
  async flush(): Promise<void> {
    await this.#working
    const { paths: settled, rescan } = this.#settling.take(Number.POSITIVE_INFINITY, Number.MAX_SAFE_INTEGER)
    const paths = [...settled, ...this.#expected, ...this.#held]
    this.#expected.clear()
    this.#held.clear()
    if (paths.length > 0) this.#noteSizes(await this.#options.look(paths))
    if (rescan !== undefined) await this.scan(rescan)
  }

  /** One scan at a time; another one asked for meanwhile follows it. Rejects when the root is not the folder any more. */
  scan(reason: string): Promise<void> {
    if (this.#scanning !== undefined) {
      this.#scanAgain = true
      return this.#scanning
    }
    const scanning = this.#scan(reason).finally(() => {
      this.#scanning = undefined
    })
    this.#scanning = scanning
    return scanning
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error('closed'))
    this.#timer?.abort()
    await this.#watcher[Symbol.asyncDispose]()
    await Promise.allSettled([this.#working, this.#scanning])
  }

  async #scan(reason: string): Promise<void> {
    const { disk, root, folder, indexFile, ignore, files = [], log, look, note } = this.#options
    do {
      this.#scanAgain = false
      const { leftovers, ...summary } = await disk.scan({
        root,
        folder,
        indexFile,
        ignore,
        files,
        signal: this.#stop.signal,
        onBatch: async ({ paths, problems }) => {
          for (const problem of problems) note(problem)
          await look(paths)
        },
      })
      log.info({ event: 'folder.scanned', folder, reason, ...summary })
      if (leftovers.length > 0 && reason !== 'start') this.#options.leftovers(leftovers)
    } while (this.#scanAgain)
  }

  async #rescanForEver(): Promise<void> {
    const { clock, rescanMs } = this.#options
    try {
      for (;;) {
        await clock.sleep(this.degraded ? Math.min(degradedRescanMs, rescanMs) : rescanMs, this.#stop.signal)
        await this.scan('periodic')
      }
    } catch (error) {
      this.#fail(error)
    }
  }

  /** An unmounted disk gives no event: the watches stay with what was there before. */
  async #guardRoot(): Promise<void> {
    const { clock, root, folder } = this.#options
    try {
      const first = statSync(root)
      for (;;) {
        await clock.sleep(rootCheckMs, this.#stop.signal)
        checkMarker(root, folder)
        const now = statSync(root)
        if (now.dev !== first.dev || now.ino !== first.ino) throw new RootReplacedError(root)
      }
    } catch (error) {
      this.#fail(error)
    }
  }

  #fail(error: unknown): void {
    if (!this.#stop.signal.aborted) this.#options.failed(toSpansyncError(error))
  }

  #degrade(error: SpansyncError): void {
    const { code, message, remedy } = error
    this.degraded = { code, message, remedy, retryable: true }
    this.#options.log.warn({ event: 'watcher.degraded', folder: this.#options.folder, code, err: error }, remedy)
  }

  /** A big file that goes on growing is not read anew at every write. */
  #noteSizes(seen: readonly Seen[]): void {
    const now = this.#options.clock.now()
    for (const { path, disk } of seen) if (disk?.kind === 'file') this.#settling.seen(path, disk.size, now)
  }

  #schedule(): void {
    const now = this.#options.clock.now()
    const due =
      this.#expected.size > 0 ? now + this.#options.gatherMs() : (this.#settling.nextDue() ?? Number.POSITIVE_INFINITY)
    if (this.#working || due === Number.POSITIVE_INFINITY || (this.#timer && this.#dueAt <= due)) return
    this.#timer?.abort()
    const timer = new AbortController()
    this.#timer = timer
    this.#dueAt = due
    this.#options.clock.sleep(Math.max(0, due - now), timer.signal).then(
      () => {
        this.#timer = undefined
        this.#work()
      },
      () => undefined,
    )
  }

  #work(): void {
    if (this.#working || this.#stop.signal.aborted) return
    const isBeingWritten = (path: RelativePath): boolean => isYoung(join(this.#options.root, path), this.#options.clock)
    const { paths: settled, rescan } = this.#settling.take(this.#options.clock.now(), atOnce, isBeingWritten)
    if (rescan !== undefined) void this.scan(rescan).catch((error) => this.#fail(error))
    const paths = [...settled, ...this.#expected]
    this.#expected.clear()
    if (paths.length === 0) return this.#schedule()
    this.#working = this.#options
      .look(paths)
      .then((seen) => this.#noteSizes(seen))
      .catch((error) => this.#fail(error))
      .finally(() => {
        this.#working = undefined
        this.#schedule()
      })
  }
}

/** A big file that was written to a moment ago. Its writer may have been held up by more than the usual rest, and then the first part
 *  of the file would be sent to everybody. */
function isYoung(file: string, clock: Clock): boolean {
  const stats = glance(file)
  if (stats === undefined || !stats.isFile() || stats.size <= settleDefaults.bigBytes) return false
  const age = clock.wallNow() - stats.mtimeMs
  return age >= 0 && age < settleDefaults.growingQuietMs
}

const atOnce = 1000
const mostBelow = 100_000
