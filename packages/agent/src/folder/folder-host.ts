import { hash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import type { FolderConfig } from '@spansync/common/config/schema'
import { type Door, type FolderState, gives, type HoldsBack, takes } from '@spansync/common/core/agent/state'
import type { FolderId, NodeId, RelativePath } from '@spansync/common/core/causal/types'
import { covers } from '@spansync/common/core/causal/version-vector'
import type { DeletionLimits } from '@spansync/common/core/policy/deletion-limits'
import type { FileRules } from '@spansync/common/core/policy/filter'
import { compileIgnore, defaultIgnorePatterns, type IgnoreMatcher } from '@spansync/common/core/policy/ignore'
import type { Clock, Hint, Link } from '@spansync/common/ports'
import type { MessageOf, StreamHeader } from '@spansync/common/protocol/messages'
import type { Problem } from '@spansync/common/protocol/status'
import { messageOf, type SpansyncError, toSpansyncError } from '@spansync/common/runtime/errors'
import type { Logger } from '@spansync/common/runtime/logger'
import type { DiskWorker } from '../disk/disk-worker.ts'
import { foldingOf } from '../disk/folding.ts'
import { checkMarker, diskNow, rootInstance } from '../disk/marker.ts'
import { isOwnTemporary } from '../disk/place.ts'
import { stagingRoots } from '../disk/staging.ts'
import { bindIndex } from '../index-store/bind-index.ts'
import { setAside } from '../index-store/open-index.ts'
import { cleanLeftovers } from '../unison/leftovers.ts'
import { removeUnfinished } from '../versions/unfinished.ts'
import { ChangeFeed } from './change-feed.ts'
import { CuttableStreams } from './cuttable-link.ts'
import { FolderClosedError } from './errors.ts'
import { doorText, FolderDoors } from './folder-doors.ts'
import { FolderEngine } from './folder-engine.ts'
import type { FetchRecord } from './options.ts'
import { PairSessions } from './pair-sessions.ts'
import { PeerMemory } from './peer-memory.ts'
import type { SessionOutcome } from './sessions.ts'
import type { Engine } from './unison-engine.ts'
import { waitingProblems } from './waiting-problems.ts'

export interface FolderHostOptions {
  readonly folder: FolderId
  readonly config: FolderConfig
  readonly home: string
  readonly nodeName: string
  readonly self: NodeId
  /** Of this node or another, the last one first. */
  readonly formerIds: (node: NodeId) => readonly NodeId[]
  /** See FolderEngineOptions. */
  readonly wordEveryMs: number
  readonly disk: DiskWorker
  readonly engine: Engine
  readonly clock: Clock
  readonly log: Logger
  /** What this node leaves out, besides the usual; what the folder ignores is among it. */
  readonly exclude: readonly string[]
  /** Which files it takes part in. */
  readonly files: FileRules
  /** How long a file must rest; undefined: chosen by itself. */
  readonly settleMs: number | undefined
  /** Which way policy lets content pass at the moment. */
  readonly door: (link: Link) => Door
  /** Which versions policy holds back from the link. */
  readonly holdsBack: (link: Link) => HoldsBack | undefined
  /** Another folder goes first over the link: nothing new is begun, and what is under way comes to its end. */
  readonly mustWait: (link: Link) => boolean
  readonly changed: () => void
  readonly fetched: (record: FetchRecord) => void
}

const retryMs = 3000
const leftoverMs = 24 * 3_600_000

/** Keeps one folder working: opens it, watches it, closes it when something is wrong with the root or the index, says why, and tries
 *  again. Peers keep their links meanwhile and are asked to repeat themselves afterwards. */
export class FolderHost implements AsyncDisposable {
  readonly options: FolderHostOptions
  readonly indexFile: string
  readonly ignore: readonly string[]
  readonly matcher: IgnoreMatcher
  /** The last word of peers, also of those that are away. */
  readonly said: PeerMemory
  readonly doors: FolderDoors
  readonly #links = new Map<NodeId, Link>()
  readonly #streams = new CuttableStreams()
  readonly #pairs = new Map<NodeId, PairSessions>()
  readonly #stop = new AbortController()
  #engine: FolderEngine | undefined
  #feed: ChangeFeed | undefined
  #problem: Problem | undefined
  #hasScanned = false
  #follows: FolderState['follows'] = 'peers'
  #neighbours: ReadonlySet<NodeId> = new Set()
  #sharers: readonly NodeId[] = []
  #running: Promise<void> = Promise.resolve()
  #failed: ((error: SpansyncError) => void) | undefined

  constructor(options: FolderHostOptions) {
    this.options = options
    const { config, home, folder } = options
    this.indexFile = join(home, 'index', `${folder}.sqlite`)
    this.ignore = [...(config.ignoreDefaults ? defaultIgnorePatterns : []), ...options.exclude]
    this.matcher = compileIgnore(this.ignore).matcher
    this.said = new PeerMemory(join(home, 'index', `${folder}.peers.json`), options.clock, options.log)
    const { log, door, holdsBack, mustWait, changed } = options
    this.doors = new FolderDoors({
      ...{ log, door, holdsBack, mustWait, changed },
      turned: (peer, now) => this.#engine?.setDoor(peer, now),
      filtered: (peer, now) => this.#engine?.setHoldsBack(peer, now),
      cut: (link, reason) => this.#cut(link, reason),
    })
  }

  get engine(): FolderEngine | undefined {
    return this.#engine
  }

  /** Why the folder does not work now. */
  get stopped(): Problem | undefined {
    return this.#problem
  }

  /** Also what only makes it slower to notice changes. */
  get problem(): Problem | undefined {
    return this.#problem ?? this.#feed?.degraded
  }

  get isScanning(): boolean {
    return this.#feed?.isScanning ?? this.#problem === undefined
  }

  get links(): ReadonlyMap<NodeId, Link> {
    return this.#links
  }

  start(): void {
    this.#running = this.#keepOpen()
  }

  linkUp(link: Link): void {
    this.#links.set(link.peer, link)
    this.doors.add(link)
    if (!this.#engine) return
    this.#addPair(link)
    this.#engine.linkUp(this.#streams.over(link), this.#policyOf(link.peer))
  }

  #policyOf(peer: NodeId): { door: Door; holdsBack: HoldsBack | undefined } {
    return { door: this.doors.doorTo(peer), holdsBack: this.doors.holdsBackTo(peer) }
  }

  #cut(link: Link, reason: string): void {
    this.#streams.cut(link.peer, reason)
    if (this.#engine) this.#addPair(link, reason)
  }

  #gives(peer: NodeId): boolean {
    return gives(this.doors.inForce(peer))
  }

  /** `endedBy`: why the pair that there was works no more. */
  #addPair(plain: Link, endedBy?: string): void {
    const { folder, config, self, engine, clock, log } = this.options
    const link = this.#streams.over(plain)
    const { peer } = link
    const pair = new PairSessions({
      folder,
      root: config.path,
      self,
      link,
      engine,
      ignore: this.#unisonIgnore(),
      clock,
      log,
      isEqual: () => this.#engine?.isEqualTo(peer) === true,
      mayKeep: () => engine.mayKeep() && this.#engine?.isAlike(peer) === true,
      files: () => this.#engine?.index.totals().files ?? 0,
      hashes: (paths) =>
        new Map([...(this.#engine?.index.getMany(paths) ?? [])].map(([path, { hash }]) => [path, hash])),
    })
    void this.#endPair(peer, endedBy)
    this.#pairs.set(peer, pair)
  }

  linkDown(peer: NodeId): void {
    this.#links.delete(peer)
    this.doors.remove(peer)
    this.#remember()
    this.#engine?.linkDown(peer)
    void this.#endPair(peer)
  }

  /** Before the engine forgets what peers have said. */
  #remember(): void {
    for (const [peer, { announced }] of this.#engine?.state.peers ?? []) if (announced) this.said.note(peer, announced)
    this.said.save()
  }

  async #endPair(peer: NodeId, reason?: string): Promise<void> {
    const pair = this.#pairs.get(peer)
    this.#pairs.delete(peer)
    await pair?.end(reason)
  }

  onSummary(peer: NodeId, message: MessageOf<'summary'>): void {
    this.#engine?.receiveSummary(peer, message)
    this.said.note(peer, message)
    const index = this.#engine?.index
    this.#pairs.get(peer)?.busy.noteHeld((path, hash) => {
      const row = index?.get(path)
      return row !== undefined && row.hash === hash && covers(message.knowledge, row.vector)
    })
  }

  onEntries(peer: NodeId, message: MessageOf<'entries'>): void {
    this.#engine?.receiveEntries(peer, message)
  }

  onCompare(peer: NodeId, message: MessageOf<'compare' | 'compared'>): void {
    const link = this.#links.get(peer)
    if (message.type === 'compared') this.#engine?.comparer.onCompared(message)
    else if (link && this.#engine) this.#engine.compareWith(link, message)
  }

  onDisputed(peer: NodeId, message: MessageOf<'disputed'>): void {
    this.#engine?.receiveDisputed(peer, message)
  }

  onMembers(peer: NodeId, message: MessageOf<'members'>): void {
    this.#engine?.receiveMembers(peer, message)
  }

  /** With whom a person here shares the folder, as far as they hold it. */
  setSharers(nodes: readonly NodeId[]): void {
    if (nodes.join() === this.#sharers.join()) return
    this.#sharers = nodes
    this.#engine?.setSharers(nodes, this.#formerIds)
  }

  get #formerIds(): ReadonlyMap<NodeId, readonly NodeId[]> {
    const { self, formerIds } = this.options
    return new Map([self, ...this.#sharers].map((node) => [node, formerIds(node)]))
  }

  onResend(peer: NodeId, message: MessageOf<'resend'>): void {
    this.#engine?.receiveResend(peer, message)
  }

  onFetch(peer: NodeId, message: MessageOf<'fetch'>): void {
    const { folder, id } = message
    const refuse = (detail: string): void => {
      this.#links.get(peer)?.send({ type: 'fetched', folder, id, outcome: 'failed', detail: detail.slice(0, 4000) })
    }
    if (!this.#gives(peer)) return refuse('policy on the other machine gives nothing now')
    const isNarrow = this.doors.holdsBackTo(peer) !== undefined
    if (isNarrow && message.covers.length > 0) return refuse('policy on the other machine lets no directory pass whole')
    const paths = message.paths.filter((path) => !this.#engine?.isHeldBack(peer, path))
    if (paths.length === 0) return refuse('policy on the other machine holds all of it back')
    const pair = this.#pairs.get(peer)
    if (pair && this.#engine) pair.onFetch({ ...message, paths }).catch((error) => refuse(messageOf(error)))
    else refuse(this.#problem?.message ?? 'the folder is not open')
  }

  onAhead(peer: NodeId, message: MessageOf<'ahead' | 'ahead_wanted' | 'ahead_gone'>): void {
    const plain = this.#links.get(peer)
    const link = plain && this.#streams.over(plain)
    if (link && message.type === 'ahead_wanted' && !gives(this.doors.doorTo(peer))) {
      return link.send({ type: 'ahead_gone', folder: message.folder, hash: message.hash })
    }
    if (message.type === 'ahead' && !takes(this.doors.doorTo(peer))) return
    if (link) this.#engine?.receiveAhead(link, message)
  }

  onParcel(peer: NodeId, { type, folder, id }: MessageOf<'parcel_wanted' | 'parcel_gone'>): void {
    const plain = this.#links.get(peer)
    const link = plain && this.#streams.over(plain)
    if (type === 'parcel_gone') this.#engine?.parcels.onGone(id)
    else if (link && this.#engine && this.#gives(peer)) void this.#engine.parcels.onWanted(link, id)
    else link?.send({ type: 'parcel_gone', folder, id })
  }

  get neighbours(): ReadonlySet<NodeId> {
    return this.#neighbours
  }

  /** The coordinator's plan: to whom this replica passes things on. */
  setNeighbours(neighbours: ReadonlySet<NodeId>): void {
    this.#neighbours = neighbours
    this.#engine?.setNeighbours(neighbours)
  }

  onFetched(peer: NodeId, message: MessageOf<'fetched'>): void {
    this.#pairs.get(peer)?.onFetched(message)
  }

  onStream(peer: NodeId, header: StreamHeader, stream: Duplex): void {
    const pair = this.#pairs.get(peer)
    const link = this.#links.get(peer)
    this.#streams.track(peer, stream)
    if (this.doors.inForce(peer) === 'shut') stream.destroy(new Error(doorText.shut))
    else if (this.#isUntold(peer)) stream.destroy(new Error('policy has changed, and the peer has yet to hear of it'))
    else if (this.#engine && header.purpose === 'ahead') this.#engine.ahead.onStream(header.id, stream)
    else if (this.#engine && link && header.purpose === 'parcel')
      void this.#engine.parcels.onStream(link, header.id, stream)
    else if (pair && this.#engine) pair.onStream(header, stream)
    else stream.destroy(new Error(this.#problem?.message ?? 'the folder is not open'))
  }

  /** Policy holds something back from a peer that does not know it yet, and may ask for anything. */
  #isUntold(peer: NodeId): boolean {
    if (this.doors.holdsBackTo(peer) === undefined) return false
    return this.#engine?.state.peers.get(peer)?.told?.holdsBack !== true
  }

  /** What Unison calls a pattern, without the option's name. */
  #unisonIgnore(): string[] {
    return this.matcher.unisonArguments.filter((_, at) => at % 2 === 1)
  }

  follow(follows: FolderState['follows']): void {
    this.#follows = follows
    this.#engine?.follow(follows)
  }

  /** An order to sync with the peer comes into force, or ends. */
  setOrdered(peer: NodeId, ordered: boolean): void {
    this.#engine?.setOrdered(peer, ordered)
  }

  /** Deletions that wait for a person. */
  get waiting(): readonly Problem[] {
    return this.#engine ? waitingProblems(this.options.folder, this.#engine.state.deletions) : []
  }

  /** For what needs an open folder. Throws FolderClosedError. */
  opened(): FolderEngine {
    if (this.#engine) return this.#engine
    throw new FolderClosedError(this.options.folder, this.#problem)
  }

  async rescan(): Promise<void> {
    this.#engine?.retry()
    await this.#feed?.scan('asked for')
  }

  /** Everything that was hinted at before this call has been looked at. */
  async settle(): Promise<void> {
    await this.#feed?.flush()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error('the folder is closed'))
    this.#failed?.(toSpansyncError(this.#stop.signal.reason))
    await this.#running
  }

  async #keepOpen(): Promise<void> {
    const { clock, log, changed, folder } = this.options
    while (!this.#stop.signal.aborted) {
      try {
        await this.#open()
      } catch (error) {
        if (this.#stop.signal.aborted) return
        this.#note(toSpansyncError(error))
      }
      changed()
      await clock.sleep(retryMs, this.#stop.signal).catch(() => undefined)
      log.trace({ event: 'folder.reopening', folder })
    }
  }

  #note(error: SpansyncError): void {
    const { log, folder, changed } = this.options
    const { code, message, remedy, retryable } = error
    if (code === 'index_damaged') {
      const aside = setAside(this.indexFile, 'damaged')
      log.error(
        { event: 'index.set_aside', folder, aside },
        'the index is damaged; it is made anew from the disk and the peers',
      )
    }
    const isNew = this.#problem?.code !== code || this.#problem.message !== message
    this.#problem = { code, message, remedy, retryable }
    if (isNew) log.error({ event: 'folder.stopped', folder, code, err: error }, remedy)
    changed()
  }

  /** Works until something fails; then it throws that. */
  async #open(): Promise<void> {
    const { config, folder } = this.options
    checkMarker(config.path, folder)
    this.#bindIndex()
    const openedMs = diskNow(config.path)
    const failure = Promise.withResolvers<never>()
    failure.promise.catch(() => undefined)
    this.#failed = failure.reject
    this.#hasScanned = false
    const engine = this.#makeEngine(failure.reject)
    const feed = this.#makeFeed(engine, failure.reject)
    try {
      await Promise.race([feed.start(), failure.promise])
      if (this.#stop.signal.aborted) return
      await Promise.race([engine.recover(), failure.promise])
      await engine.ahead.start()
      // What is left there stands in nobody's way: also a disk that may only be read is served.
      await engine.fetcher.staging.start().catch((error) => {
        this.options.log.warn({ event: 'folder.staging_kept', err: error }, 'look at .spansync/staging in the folder')
      })
      this.#begin(engine, feed)
      await Promise.race([feed.scan('start'), failure.promise])
      engine.recovered()
      this.#cleanLeftovers(engine, openedMs)
      void this.options.engine
        .tidy(folder)
        .catch((error) => this.options.log.debug({ event: 'unison.locks_kept', err: error }))
      this.#hasScanned = true
      this.#problem = undefined
      this.options.changed()
      await failure.promise
    } finally {
      this.#remember()
      this.#engine = undefined
      this.#feed = undefined
      // The sessions first: the engine waits for what it has under way, and they are what it waits for.
      await Promise.allSettled([...this.#pairs.keys()].map((peer) => this.#endPair(peer, 'the folder is closed')))
      await feed[Symbol.asyncDispose]()
      await engine[Symbol.asyncDispose]()
    }
  }

  #bindIndex(): void {
    const { config, folder, log } = this.options
    const root = rootInstance(config.path, folder)
    const aside = root === undefined ? undefined : bindIndex(this.indexFile, root)
    if (aside === undefined) return
    const event = { event: 'index.of_another_root', folder, path: config.path, aside }
    log.warn(
      event,
      'the folder is in another directory than before: a new index is made of it, and nothing counts as deleted',
    )
  }

  /** What sessions of long ago left behind. Young ones are worth keeping: Unison goes on with them. */
  #cleanLeftovers(engine: FolderEngine, openedMs: number): void {
    const { config, clock, log, folder } = this.options
    const clean = async (): Promise<void> => {
      const roots = [{ root: config.path, peer: undefined }, ...(await stagingRoots(config.path))]
      for (const { root, peer } of roots) {
        const { removed, kept } = await cleanLeftovers(root, {
          olderThanMs: leftoverMs,
          // Nobody goes on with what was begun before: a process has ended, or a disk has gone in the midst of it.
          isUseless: (name, changedMs) => isOwnTemporary(name) && changedMs < openedMs,
          now: clock.wallNow(),
          signal: this.#stop.signal,
        })
        engine.litter.found(kept, peer)
        if (removed.length > 0) log.info({ event: 'folder.leftovers_removed', folder, removed: removed.length })
      }
      // Of an earlier life: this one may have copies under way.
      await removeUnfinished(this.#versionsDirectory, performance.timeOrigin)
    }
    clean().then(
      () => engine.tidying.keep(),
      (error) => log.debug({ event: 'folder.leftovers_kept', folder, err: error }),
    )
  }

  get #versionsDirectory(): string {
    return join(this.options.home, 'versions', this.options.folder)
  }

  #begin(engine: FolderEngine, feed: ChangeFeed): void {
    this.#engine = engine
    this.#feed = feed
    engine.follow(this.#follows)
    engine.setNeighbours(this.#neighbours)
    engine.setSharers(this.#sharers, this.#formerIds)
    for (const link of this.#links.values()) {
      this.#addPair(link)
      engine.linkUp(this.#streams.over(link), { resumed: true, ...this.#policyOf(link.peer) })
    }
  }

  #makeEngine(fail: (error: SpansyncError) => void): FolderEngine {
    const { folder, self, config, nodeName, wordEveryMs, disk, clock, log, changed, fetched } = this.options
    return new FolderEngine({
      folder,
      self,
      formerSelves: this.options.formerIds(self),
      wordEveryMs,
      root: config.path,
      indexFile: this.indexFile,
      nodeName,
      disposable: config.ignoreDefaults ? defaultIgnorePatterns : [],
      matcher: this.matcher,
      files: this.options.files,
      scope: scopeOf(config, this.options),
      folding: foldingOf(config.path, config.names),
      versionsDirectory: this.#versionsDirectory,
      disk,
      clock,
      log,
      hint: (hint: Hint) => this.#feed?.add([hint]),
      isHeld: (vector) => this.said.isHeld(vector),
      guard: limitsOf(config),
      isScanning: () => !this.#hasScanned || this.#feed?.isScanning === true,
      hasHints: () => this.#feed?.hasHints === true,
      holdsBack: (peer) => this.doors.holdsBackTo(peer),
      session: (peer, request) => this.#pairs.get(peer)?.bring(request) ?? Promise.resolve(notConnected),
      stopSession: (peer) => {
        const link = this.#links.get(peer)
        if (link) this.#cut(link, 'the policy of the peer holds back some of what is under way')
      },
      isQuick: (peer, request) => this.#pairs.get(peer)?.busy.suits(request) ?? false,
      byUnison: (peer, paths) => this.#pairs.get(peer)?.busy.noteBrought(paths),
      parcelled: (peer) => this.#pairs.get(peer)?.noteParcel(),
      unpacked: (paths) => this.#feed?.release(paths),
      committed: (rows) => {
        for (const pair of this.#pairs.values()) pair.busy.noteChanged(rows.map(({ path }) => path))
      },
      changed,
      fetched,
      failed: (error, where) => {
        log.debug({ event: 'folder.failed', folder, where, err: error })
        fail(error)
      },
    })
  }

  #makeFeed(engine: FolderEngine, fail: (error: SpansyncError) => void): ChangeFeed {
    const { folder, config, disk, clock, log } = this.options
    return new ChangeFeed({
      folder,
      root: config.path,
      indexFile: this.indexFile,
      ignore: this.ignore,
      matcher: this.matcher,
      files: this.options.files,
      rescanMs: config.rescanMinutes * 60_000,
      settleMs: this.options.settleMs,
      disk,
      clock,
      log,
      look: (paths: Iterable<RelativePath>) => engine.look(paths, { isHinted: true }),
      below: (directory, limit) => engine.index.below(directory, limit).map(({ path }) => path),
      isExpected: (path) => engine.state.claims.has(path),
      isComing: (path) => engine.parcels.isComing(path),
      gatherMs: () => (engine.state.claims.size > manyClaims ? bulkGatherMs : soonMs),
      // What has been adopted meanwhile is watched like everything else.
      isCovered: (path) => engine.fetcher.isCovered(path) && engine.index.get(path) === undefined,
      leftovers: (files) => engine.sweep(files),
      note: (problem) => engine.problems.note(problem.path, problem.code, problem.problem),
      failed: fail,
    })
  }

  /** Whether an index has ever been made here: else everything is new. */
  get hasIndex(): boolean {
    return existsSync(this.indexFile)
  }
}

/** The usual patterns alone are ''; any others are told from each other. */
function scopeOf({ ignoreDefaults }: FolderConfig, { exclude, files }: Pick<FolderHostOptions, 'exclude' | 'files'>) {
  if (ignoreDefaults && exclude.length === 0 && files.length === 0) return ''
  const said = [ignoreDefaults, [...new Set(exclude)].sort(), ...(files.length === 0 ? [] : [files])]
  return hash('sha256', JSON.stringify(said)).slice(0, 32)
}

function limitsOf({ deletionGuard }: FolderConfig): DeletionLimits {
  if (deletionGuard === 'off') return { share: 1, files: Number.POSITIVE_INFINITY }
  return { share: deletionGuard.percent / 100, files: deletionGuard.files }
}

/** One file is looked at as it arrives; of thousands, some hundred at a time cost less and delay the next hop little. */
const manyClaims = 100
const bulkGatherMs = 80
const soonMs = 2

const notConnected: SessionOutcome = { result: 'failed', reason: 'the peer is not connected' }
