import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import type { FolderId, NodeId, RelativePath } from '@spansync/common/core/causal/types'
import type { Clock } from '@spansync/common/ports'
import type { Logger } from '@spansync/common/runtime/logger'
import type { Wrap } from '../unison/child.ts'
import { findJail } from '../unison/jail/find-jail.ts'
import type { Jail } from '../unison/jail/jail.ts'
import { pairDirectories, pairDirectory, stagedDirectory } from '../unison/locks.ts'
import { MonitorStandIn } from '../unison/monitor-stand-in.ts'
import { type RunResult, runOneShot } from '../unison/one-shot.ts'
import type { Reason } from '../unison/outcome.ts'
import { PairUse } from '../unison/pair-use.ts'
import { openPersistent } from '../unison/persistent.ts'
import type { PersistentRun } from '../unison/persistent-run.ts'
import { serveUnison } from '../unison/server.ts'
import { findUnison, type UnisonBinary } from '../unison/version.ts'
import { silenceAllowedMs } from '../unison/watchdog.ts'
import { backupDirectory } from '../versions/unison-backups.ts'
import type { KeptSession } from './busy-pair.ts'
import { EnoughSessionsError } from './errors.ts'

/** Which pair, and where. */
export interface PairRequest {
  readonly folder: FolderId
  readonly root: string
  readonly self: NodeId
  readonly peer: NodeId
  readonly signal: AbortSignal
}

export interface KeepRequest extends PairRequest {
  readonly ignore: readonly string[]
  readonly connect: (signal: AbortSignal) => Promise<Duplex>
}

export interface RunRequest extends KeepRequest {
  readonly paths: readonly RelativePath[]
  /** Directories among them that come with all that is in them. */
  readonly covers: ReadonlySet<RelativePath>
  readonly winner: 'local' | 'remote'
  readonly files: number
  readonly bytes: number
  /** Asked before each process that the run takes: false ends it. */
  readonly mayGoOn?: ((paths: readonly RelativePath[]) => Promise<boolean>) | undefined
  /** Trust neither sizes nor times, and let a file give way to something of another kind. */
  readonly rescan: boolean
  /** The receiver has a root of its own for what comes: neither end goes by what it remembers of the pair, nor remembers this. */
  readonly isStaged: boolean
  /** The folder, where `root` is such a root. */
  readonly folderRoot: string
}

export interface RunOutcome {
  readonly result: 'done' | 'refused' | 'failed'
  readonly reason: string
}

export interface ServeKeptRequest extends PairRequest {
  readonly stream: Duplex
}

export interface ServeRequest extends ServeKeptRequest, Served {}

export interface Served {
  /** As in RunRequest. */
  readonly isStaged: boolean
  /** Nothing was asked for here: whatever the peer's client wants, this side changes nothing. */
  readonly onlyGives: boolean
}

/** Unison as the folders use it. */
export interface Engine {
  readonly version: string
  /** Every Unison that is started sees the folder and nothing else of this machine. */
  readonly isJailed: boolean
  /** Dictates: the winner's version of exactly these paths. */
  run(request: RunRequest): Promise<RunOutcome>
  serve(request: ServeRequest): Promise<void>
  /** Starts a session that goes on running. Resolves when it listens. Rejects with EnoughSessionsError when `mayKeep` would say no. */
  keep(request: KeepRequest): Promise<KeptSession>
  serveKept(request: ServeKeptRequest): { session: KeptSession; served: Promise<void> }
  /** Whether one more running session, on either side, is within what the settings allow: each takes about 1 KB per file here. */
  mayKeep(): boolean
  /** Takes away what processes of an earlier life, or of a peer that is gone, have left in the pairs' directories. */
  tidy(folder: FolderId): Promise<void>
}

export interface EngineOptions {
  readonly home: string
  readonly program: string | undefined
  readonly keepAtMost: number
  /** False: no jail, also where there could be one. */
  readonly confine: boolean
  readonly clock: Clock
  readonly log: Logger
}

/** Throws UnisonMissingError, UnisonTooOldError or UnisonUnusableError. */
export async function createEngine(options: EngineOptions): Promise<Engine> {
  const unison = await findUnison({ program: options.program })
  const jail = options.confine ? await findJail([unison.path]) : undefined
  return new UnisonEngine(options, unison, jail)
}

const bulkFiles = 100

class UnisonEngine implements Engine {
  readonly #options: EngineOptions
  readonly #unison: UnisonBinary
  readonly #jail: Jail | undefined
  readonly #use: PairUse
  #kept = 0

  constructor(options: EngineOptions, unison: UnisonBinary, jail: Jail | undefined) {
    this.#options = options
    this.#unison = unison
    this.#jail = jail
    this.#use = new PairUse((error) => options.log.debug({ event: 'unison.locks_kept', err: error }))
  }

  get version(): string {
    return this.#unison.version
  }

  get isJailed(): boolean {
    return this.#jail !== undefined
  }

  mayKeep(): boolean {
    return this.#kept < this.#options.keepAtMost
  }

  async run(request: RunRequest): Promise<RunOutcome> {
    const { paths, covers, winner, files, bytes, rescan, mayGoOn, isStaged, folderRoot } = request
    const client = this.#client(request, isStaged)
    const run = {
      ...client,
      paths,
      wholes: covers,
      way: { kind: 'force' as const, winner, bulk: files > bulkFiles },
      rescan,
      mayGoOn,
      // Putting a link where a file is counts as deleting the file. A cover may meet something that was written there just now.
      noDeletion: isStaged || !rescan || covers.size > 0,
      ignoreArchives: isStaged,
      entriesLike: folderRoot,
      watchdogMs: silenceAllowedMs(bytes),
    }
    const result = await this.#use.during(client.unisonDir, () => runOneShot(run))
    if (result.cured.length > 0)
      this.#options.log.info({ event: 'unison.cured', folder: request.folder, cured: result.cured })
    return { result: results[result.outcome], reason: describe(result) }
  }

  async serve(request: ServeRequest): Promise<void> {
    // Whether many files come is the client's knowledge. The larger heap is taken only as far as it is used.
    const server = this.#server(request, request)
    await this.#use.during(server.unisonDir, () => serveUnison({ ...server, bulk: true }))
  }

  async keep(request: KeepRequest): Promise<KeptSession> {
    if (!this.mayKeep()) throw new EnoughSessionsError()
    const free = this.#occupy()
    const run = await this.#open(request, free)
    // Unison would try failed paths again by itself, at a time when they may mean something else.
    run.onCycle((result) => {
      this.#options.log.debug({ event: 'session.cycle', folder: request.folder, ...result })
      if (result.failed > 0) void run.close()
    })
    await run.ready()
    return half(run.monitor, {
      onCycle: (listener) => run.onCycle(listener),
      closed: run.closed,
      close: () => void run.close(),
    })
  }

  /** Resolves when it runs, while its directory stays in use until it has ended. */
  async #open(request: KeepRequest, free: () => void): Promise<PersistentRun> {
    const client = this.#client(request)
    const opened = Promise.withResolvers<PersistentRun>()
    const whole = this.#use.during(client.unisonDir, async () => {
      const run = await openPersistent({ ...client, noCreation: true, watchdogMs: silenceAllowedMs(0) })
      opened.resolve(run)
      await run.closed
    })
    whole.catch(opened.reject)
    whole.then(free, free)
    return await opened.promise
  }

  async tidy(folder: FolderId): Promise<void> {
    const directories = await pairDirectories(join(this.#options.home, 'unison'), folder)
    await Promise.all(directories.map((directory) => this.#use.cure(directory)))
  }

  serveKept(request: ServeKeptRequest): { session: KeptSession; served: Promise<void> } {
    const monitor = new MonitorStandIn()
    const stop = new AbortController()
    const signal = AbortSignal.any([request.signal, stop.signal])
    const server = { ...this.#server({ ...request, signal }), monitor }
    const served = this.#use.during(server.unisonDir, async () => void (await serveUnison(server)))
    const free = this.#occupy()
    served.then(free, free)
    const close = (): void => stop.abort(new Error('replaced'))
    return { session: half(monitor, { onCycle: undefined, closed: served, close }), served }
  }

  /** Room for one more running session; answers how to give it back. */
  #occupy(): () => void {
    this.#kept++
    return () => void this.#kept--
  }

  #client({ root, self, ignore, connect, signal, ...pair }: KeepRequest, isStaged = false) {
    const { clock } = this.#options
    const places = this.#places(pair, isStaged)
    return {
      unison: this.#unison,
      localRoot: root,
      localNodeId: self,
      ignore,
      connect,
      clock,
      signal,
      ...places,
      wrap: this.#confined(root, places),
      // The agents delete; so nothing that appeared here since the decision is deleted along with a directory.
      noDeletion: true,
    }
  }

  #server({ root, self, stream, signal, ...pair }: ServeKeptRequest, how: Partial<Served> = {}) {
    const places = this.#places(pair, how.isStaged)
    return {
      unison: this.#unison,
      root,
      nodeId: self,
      stream,
      signal,
      clock: this.#options.clock,
      ...places,
      wrap: this.#confined(root, places, how.onlyGives),
    }
  }

  /** What it sees: the folder, or the root that stands for it, and the pair's own directories. */
  #confined(root: string, { unisonDir, backupDir }: Places, onlyGives = false): Wrap | undefined {
    const own = [unisonDir, ...(backupDir === undefined ? [] : [backupDir])]
    return this.#jail?.(onlyGives ? { writable: own, readable: [root] } : { writable: [root, ...own] })
  }

  /** What staged runs remember is of no use to anybody, and nothing is overwritten that has to be kept. */
  #places({ folder, peer }: Pick<PairRequest, 'folder' | 'peer'>, isStaged = false): Places {
    const { home } = this.#options
    const unisonDir = pairDirectory(join(home, 'unison'), folder, peer)
    if (isStaged) return { unisonDir: stagedDirectory(unisonDir), backupDir: undefined }
    return { unisonDir, backupDir: backupDirectory(join(home, 'versions', folder), peer) }
  }
}

/** Of a pair. */
interface Places {
  readonly unisonDir: string
  readonly backupDir: string | undefined
}

function half(monitor: MonitorStandIn, rest: Pick<KeptSession, 'onCycle' | 'closed' | 'close'>): KeptSession {
  return {
    ...rest,
    get isWaiting() {
      return monitor.phase === 'waiting'
    },
    stage: (paths) => monitor.stage(paths),
    notify: (paths) => monitor.notify(paths),
  }
}

const results: Record<RunResult['outcome'], RunOutcome['result']> = {
  done: 'done',
  skipped: 'failed',
  failed: 'failed',
  fatal: 'failed',
  stalled: 'failed',
  locked: 'failed',
  archive_lost: 'failed',
}

const texts: Record<Reason, string> = {
  disk_full: 'no space left on the disk',
  destination_changed: 'the file changed here while it was transferred',
  source_changed: 'the file changed at the peer while it was transferred',
  marker_missing: 'the folder is not there on one of the two machines (its .spansync is missing)',
  root_missing: 'the folder is not there on one of the two machines',
  connection_lost: 'the connection was lost',
  no_permission: 'permission denied',
  incompatible: 'the two versions of Unison do not work together',
  unknown: 'Unison did not bring it',
}

function describe({ outcome, reason, outputTail }: RunResult): string {
  if (outcome === 'done') return ''
  if (outcome === 'stalled') return 'nothing moved for too long'
  return reason === 'unknown' ? `${texts.unknown}: ${outputTail.trim().slice(-300)}` : texts[reason]
}
