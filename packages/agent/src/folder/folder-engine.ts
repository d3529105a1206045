import { randomBytes } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { isUndecided } from '@spansync/common/core/agent/deletion-state'
import type { Effect, RemoteItem, Seen } from '@spansync/common/core/agent/events'
import { isAtRest, isSettled } from '@spansync/common/core/agent/exchange'
import { isSame } from '@spansync/common/core/agent/scope'
import {
  bounds,
  type Door,
  type FolderState,
  type HoldsBack,
  initialState,
  mayGive,
  type Wanted,
} from '@spansync/common/core/agent/state'
import { weighInTurns } from '@spansync/common/core/agent/weigh'
import { claimFlag } from '@spansync/common/core/agent/wishes'
import { workWith } from '@spansync/common/core/agent/work'
import { matches } from '@spansync/common/core/causal/content'
import { type Folding, NamesInUse } from '@spansync/common/core/causal/folding'
import { need } from '@spansync/common/core/causal/need'
import type {
  DiskState,
  Entry,
  FolderId,
  NodeId,
  RelativePath,
  Row,
  VersionVector,
} from '@spansync/common/core/causal/types'
import { covers } from '@spansync/common/core/causal/version-vector'
import { never } from '@spansync/common/core/never'
import { compileFileRules, type IsWantedFile } from '@spansync/common/core/policy/filter'
import type { Work } from '@spansync/common/core/policy/priority'
import type { FolderIndex, Hint, Link } from '@spansync/common/ports'
import type { MessageOf } from '@spansync/common/protocol/messages'
import type { Problem } from '@spansync/common/protocol/status'
import { messageOf, toSpansyncError } from '@spansync/common/runtime/errors'
import { stagingRoots } from '../disk/staging.ts'
import { openIndex } from '../index-store/open-index.ts'
import { Backups } from '../versions/backups.ts'
import { Ahead } from './ahead/ahead.ts'
import { Applier } from './applier.ts'
import { type AuditOutcome, Auditor } from './auditor.ts'
import { type BroughtBack, bringBack } from './bring-back.ts'
import { Comparer } from './comparer.ts'
import { untouchedBy } from './covers.ts'
import { isTorn } from './damage.ts'
import { isEmptied } from './emptied.ts'
import { Fetcher, type Ways } from './fetcher.ts'
import { remoteItems } from './incoming.ts'
import { LeftOut } from './left-out.ts'
import { listBelow } from './list-below.ts'
import { Litter } from './litter.ts'
import { Loop } from './loop.ts'
import { type Looking, Observer } from './observer.ts'
import type { FolderEngineOptions } from './options.ts'
import { Origins } from './origins.ts'
import { toMessages } from './outgoing.ts'
import { Parcels } from './parcel/parcels.ts'
import { PathProblems } from './path-problems.ts'
import { PendingJournal } from './pending-journal.ts'
import { newReplicaId } from './replica-id.ts'
import type { SessionOutcome, SessionRequest } from './sessions.ts'
import { Tidying } from './tidying.ts'

/** One folder on this node: performs what `step` decides and tells it what happened. One event after the other; everything slow
 *  happens outside and comes back as an event. */
export class FolderEngine {
  readonly options: FolderEngineOptions
  readonly index: FolderIndex
  readonly problems = new PathProblems()
  readonly observer: Observer
  readonly fetcher: Fetcher
  readonly ahead: Ahead
  readonly parcels: Parcels
  readonly litter: Litter
  readonly #applier: Applier
  readonly comparer: Comparer
  readonly #auditor: Auditor
  readonly #backups: Backups
  readonly #journal: PendingJournal
  readonly #links = new Map<NodeId, Link>()
  readonly #lastRead = new Map<NodeId, number>()
  readonly #loop: Loop
  readonly tidying: Tidying
  readonly #origins: Origins
  #busy = 0
  /** All that is alive here, where the file system takes some different names for the same. */
  readonly #names: NamesInUse | undefined
  /** What peers have and this replica takes no part in. */
  readonly leftOut = new LeftOut()
  readonly #isWantedFile: IsWantedFile
  /** The agent was killed, or the power went, and what is on the disk has not all been looked at since. */
  #isCutOff = false
  #neighbours: ReadonlySet<NodeId> = new Set()

  constructor(options: FolderEngineOptions) {
    this.options = options
    this.index = openIndex(options.indexFile, {
      replica: () => newReplicaId(options.nodeName),
      onCutOff: () => {
        this.#isCutOff = true
      },
    })
    this.#journal = new PendingJournal(options.indexFile)
    this.#origins = new Origins({ root: options.root, journal: this.#journal, claims: () => this.state.claims })
    this.index.rescope(options.scope)
    this.#isWantedFile = compileFileRules(options.files)
    const { root, disk, clock, matcher, disposable, folder, self, scope, guard, wordEveryMs, folding } = options
    this.#names = folding && namesOf(this.index, folding)
    const { replica, knowledge, collected } = this.index.meta()
    const members = this.index.members()
    const own = { folder, self, replica, knowledge, collected, members }
    this.#loop = new Loop({
      state: initialState({ ...own, scope, guard, wordEveryMs, folding }),
      clock,
      log: options.log,
      perform: (effect) => this.#perform(effect),
      changed: options.changed,
      failed: options.failed,
    })
    const { index, problems } = this
    this.observer = new Observer({
      root,
      disk,
      index,
      problems,
      isIgnored: (path) => matcher.matches(path),
      files: options.files,
      folds: options.folding !== undefined,
      again: (path) => options.hint({ kind: 'path', path }),
      late: (see) => this.#loop.postLater(() => ({ kind: 'observed', items: see() })),
    })
    const keptPlace = (path: RelativePath) => ({ directory: options.versionsDirectory, atMs: clock.wallNow(), path })
    this.ahead = new Ahead({
      ...{ folder: options.folder, root, clock, log: options.log },
      links: () => this.#links.values(),
      lacks: (peer, entry) => this.#lacks(peer, entry),
      wants: (entry) => this.#wants(entry),
    })
    this.parcels = new Parcels({
      ...{ folder: options.folder, root, index, disk, clock, log: options.log },
      put: (put) => this.#noteUnpacked(put),
      released: (paths) => options.unpacked(paths),
      passed: (peer) => options.parcelled(peer),
      isHeldBack: (peer, path) => this.isHeldBack(peer, path),
    })
    this.fetcher = new Fetcher({
      ...{ root, disk, index, observer: this.observer, clock, keptPlace, disposable, ahead: this.ahead },
    })
    this.comparer = new Comparer({
      ...{ folder: options.folder, index, clock },
      isEqualTo: (peer) => this.isEqualTo(peer) && !this.isBusy,
      disputed: (peer, entries) => this.#dispute(peer, entries),
    })
    this.litter = new Litter({
      ...{ root, index: this.index },
      stagingRoots: () => stagingRoots(root),
      isClaimed: (path) => this.state.claims.has(path),
      mayBeWanted: (path) => this.#mayBeWanted(path),
      hasTold: (peer) => this.state.peers.get(peer)?.incoming.complete === true,
    })
    this.tidying = new Tidying({
      folder: options.folder,
      litter: this.litter,
      loop: this.#loop,
      clock,
      log: options.log,
    })
    this.#auditor = new Auditor({
      ...{ index, observer: this.observer },
      held: (vector) => this.#held(vector),
      changed: (paths) => this.#lookLater(paths, { isHinted: true }),
      found: (items) => this.#loop.post({ kind: 'damage_found', items }),
    })
    const kept = (path: RelativePath): void => this.#lookLater([path], { isHinted: true })
    const { versionsDirectory: directory, log } = options
    this.#backups = new Backups({ directory, root, index, disk, clock, log, signal: this.#loop.signal, copied: kept })
    this.#applier = new Applier({ root, disk, index, observer: this.observer, disposable, keptPlace, kept })
  }

  get folder(): FolderId {
    return this.options.folder
  }

  get state(): FolderState {
    return this.#loop.state
  }

  /** Work of this folder is under way. */
  get isBusy(): boolean {
    const { applying, deletions } = this.state
    return this.#busy > 0 || applying > 0 || this.#awaitsNews || this.observer.late > 0 || isUndecided(deletions)
  }

  /** What a session left here may still turn out to be something else. */
  get #awaitsNews(): boolean {
    const { claims } = this.state
    if (!claims.hasFlag(claimFlag.quarantine)) return false
    const now = this.options.clock.now()
    for (const { stage, until } of claims.values()) if (stage === 'quarantine' && until > now) return true
    return false
  }

  /** The peer holds the same as this replica, by its own word, and nothing is under way. */
  isEqualTo(peer: NodeId): boolean {
    const { announced, wanted } = this.state.peers.get(peer) ?? {}
    if (!announced || wanted?.size !== 0 || this.state.claims.size > 0) return false
    return isSame({ scope: this.state.scope, ...this.index.meta() }, announced)
  }

  /** Nothing is left to be done or said between this replica and the peer. */
  isSettledWith(id: NodeId): boolean {
    const peer = this.state.peers.get(id)
    return peer !== undefined && isSettled(peer, { scope: this.state.scope, ...this.index.meta() })
  }

  /** The same but for what policy holds back. */
  isAtRestWith(id: NodeId): boolean {
    const peer = this.state.peers.get(id)
    return peer !== undefined && isAtRest(peer, { scope: this.state.scope, ...this.index.meta() })
  }

  /** Whether there is something to pass to or from the peer through a door that policy leaves like this. Where the plan leads over this link
   *  an order for it is about to come. */
  workWith(id: NodeId, allowed: Door): Work {
    const peer = this.state.peers.get(id)
    if (!peer) return 'none'
    const { knowledge } = this.index.meta()
    return workWith(this.#neighbours.has(id) ? { follows: 'peers' } : this.state, peer, { knowledge, allowed })
  }

  /** `resumed`: the link was up before this engine was; the peer is asked to begin again. */
  linkUp(link: Link, { resumed = false, ...policy }: LinkBeginning): void {
    const round = resumed ? randomBytes(6).toString('hex') : undefined
    this.#links.set(link.peer, link)
    if (round) link.send({ type: 'resend', folder: this.folder, all: false, round })
    this.#loop.post({ kind: 'link_up', peer: link.peer, round, ...policy })
  }

  linkDown(peer: NodeId): void {
    if (!this.#links.delete(peer)) return
    this.ahead.linkDown(peer)
    this.parcels.linkDown(peer)
    this.#loop.post({ kind: 'link_down', peer })
  }

  link(peer: NodeId): Link | undefined {
    return this.#links.get(peer)
  }

  receiveSummary(peer: NodeId, message: MessageOf<'summary'>): void {
    const { type: _type, folder: _folder, ...said } = message
    this.#loop.post({ kind: 'summary_received', peer, ...said })
    // Now it may be clear what will never come.
    if (said.complete) this.tidying.keep()
  }

  receiveEntries(peer: NodeId, message: MessageOf<'entries'>): void {
    const { toSeq, complete, knowledge, digest, partial } = message
    const heldBack = new Set(message.heldBack?.map((at) => message.entries[at]?.path))
    this.#loop.postLater(() => ({
      kind: 'entries_received',
      peer,
      items: this.#itemsOf(peer, message.entries).map((item) => ({
        ...item,
        isHeldBack: heldBack.has(item.remote.path),
      })),
      toSeq,
      complete,
      knowledge,
      digest,
      partial,
    }))
  }

  receiveResend(peer: NodeId, { all, round }: MessageOf<'resend'>): void {
    this.#loop.post({ kind: 'resend_requested', peer, all, round })
  }

  compareWith(link: Link, message: MessageOf<'compare'>): void {
    this.#loop.run('folder.compare', () => this.comparer.onCompare(link, message))
  }

  receiveMembers(peer: NodeId, { members }: MessageOf<'members'>): void {
    this.#loop.post({ kind: 'members_received', peer, members })
  }

  /** With whom the folder is shared, as far as they hold it. */
  setSharers(nodes: readonly NodeId[], formerIds: ReadonlyMap<NodeId, readonly NodeId[]> = new Map()): void {
    this.#loop.post({ kind: 'sharers_set', nodes, formerIds })
  }

  retry(): void {
    this.#loop.post({ kind: 'retry_requested' })
  }

  /** A person has said that the deletions that wait are meant. */
  approve(): void {
    this.#loop.post({ kind: 'deletions_approved' })
  }

  /** A person has said that they are not: what peers deleted stays, and what vanished here is brought back from them. */
  async revert(): Promise<BroughtBack> {
    this.#loop.post({ kind: 'deletions_refused' })
    const { root, disk } = this.options
    const session = async (peer: NodeId, request: SessionRequest): Promise<SessionOutcome> => {
      const backups = this.#backups.watch(peer, [])
      try {
        return await backups.session(() => this.options.session(peer, request))
      } finally {
        backups.end()
      }
    }
    const look = async (paths: readonly RelativePath[]): Promise<readonly Seen[]> =>
      await this.look(paths, { mode: 'read' })
    // Of what another holds back only that one knows, and it does not bring that.
    const holders = [...this.state.peers]
      .sort(
        ([, one], [, other]) => Number(one.announced?.holdsBack ?? false) - Number(other.announced?.holdsBack ?? false),
      )
      .flatMap(([id, { announced, holdsBack }]) =>
        announced ? [{ id, knowledge: announced.knowledge, mayGive: (row: Row) => !holdsBack?.(row) }] : [],
      )
    const { vanished, waiting } = this.state.deletions
    const paths = waiting.here ? [...vanished.keys()] : []
    return await bringBack({ root, disk, index: this.index, session, look, holders }, paths)
  }

  follow(follows: FolderState['follows']): void {
    if (this.state.follows !== follows) this.#loop.post({ kind: 'follow_set', follows })
  }

  /** An order to sync with the peer comes into force, or ends. */
  setOrdered(peer: NodeId, ordered: boolean): void {
    this.#loop.post({ kind: 'order_set', peer, ordered })
  }

  /** Which way policy lets content pass between here and the peer. */
  setDoor(peer: NodeId, door: Door): void {
    this.#loop.post({ kind: 'door_set', peer, door })
  }

  /** Which versions it lets not pass. */
  setHoldsBack(peer: NodeId, holdsBack: HoldsBack | undefined): void {
    this.#loop.post({ kind: 'holds_back_set', peer, holdsBack })
  }

  /** What is here may not go to the peer, by the policy of this machine. */
  isHeldBack(peer: NodeId, path: RelativePath): boolean {
    const holdsBack = this.options.holdsBack(peer)
    const row = holdsBack && this.index.get(path)
    return row !== undefined && !row.deleted && holdsBack?.(row) === true
  }

  /** The coordinator's plan for this folder: whom this replica passes things on to. */
  setNeighbours(neighbours: ReadonlySet<NodeId>): void {
    this.#neighbours = neighbours
  }

  receiveAhead(link: Link, message: MessageOf<'ahead' | 'ahead_wanted' | 'ahead_gone'>): void {
    if (message.type === 'ahead_wanted') return this.ahead.onWanted(link, message.hash)
    if (message.type === 'ahead_gone') return this.ahead.onGone(message.hash)
    const { entry } = message
    const isHeldBack = this.state.peers.get(link.peer)?.holdsBack?.(entry) === true
    if (!this.options.matcher.matches(entry.path) && !isHeldBack && this.#takesPartIn(link.peer, entry))
      this.ahead.onOffered(link, entry)
  }

  receiveDisputed(peer: NodeId, { entries }: MessageOf<'disputed'>): void {
    this.#dispute(peer, entries)
  }

  /** Both leave out the same, and know that by the path alone, as Unison does; and hold nothing back from each other. */
  isAlike(peer: NodeId): boolean {
    const { announced, holdsBack } = this.state.peers.get(peer) ?? {}
    if (holdsBack !== undefined || announced?.holdsBack === true) return false
    return this.options.files.length === 0 && announced?.scope === this.state.scope
  }

  #dispute(peer: NodeId, entries: readonly Entry[]): void {
    this.#loop.postLater(() => ({ kind: 'entries_disputed', peer, items: this.#itemsOf(peer, entries) }))
  }

  #itemsOf(peer: NodeId, told: readonly Entry[]): RemoteItem[] {
    const entries = told.filter(({ path }) => !this.options.matcher.matches(path))
    const items = remoteItems(this.index, entries, this.#names)
    if (this.options.files.length === 0) return items
    return items.map((item) => {
      if (this.#takesPartIn(peer, item.remote)) return item
      this.leftOut.note(item.remote)
      return { ...item, isUnwanted: true }
    })
  }

  /** In a deletion always: what was here may have been wanted. And in all that a peer with the same rules tells of: it has left out what
   *  they leave out, and what is left has grown since. */
  #takesPartIn(peer: NodeId, { path, kind, size, deleted }: Entry): boolean {
    const isSame = this.state.peers.get(peer)?.announced?.scope === this.state.scope
    return isSame || deleted || kind !== 'file' || this.#isWantedFile(path, size)
  }

  /** Content may pass to the peer, and by its own word it has not got this version yet. */
  #lacks(id: NodeId, entry: Entry): boolean {
    const peer = this.state.peers.get(id)
    if (!peer?.announced || covers(peer.announced.knowledge, entry.vector) || peer.holdsBack?.(entry)) return false
    return mayGive(this.#neighbours.has(id) ? { follows: 'peers' } : this.state, peer)
  }

  #mayBeWanted(path: RelativePath): boolean {
    const told = [...this.state.peers.values()].filter(({ announced }) => announced !== undefined)
    const isComing = (wish: Wanted | undefined): boolean => wish !== undefined && !wish.isHeldBack
    return told.length === 0 || told.some(({ wanted }) => isComing(wanted.get(path)))
  }

  /** This replica would take the version over what it has now; nothing is under way at the path, and nobody who has it is known. */
  #wants(entry: Entry): boolean {
    const { claims, peers } = this.state
    if (claims.has(entry.path) || need(this.index.get(entry.path), entry).kind !== 'take') return false
    if (this.index.withHash(entry.hash, 1).length > 0) return false
    const wishes = [...peers.values()].flatMap(({ wanted }) => wanted.get(entry.path) ?? [])
    return !wishes.some((wish) => wish.entry.hash === entry.hash && !wish.isHeldBack)
  }

  /** Looks at paths and lets the loop decide. Rejects when the root is not the folder any more. */
  async look(paths: Iterable<RelativePath>, looking: Partial<Looking> = {}): Promise<readonly Seen[]> {
    this.#busy++
    try {
      const all: Seen[] = []
      for await (const page of this.observer.pages(paths, { mode: 'trust_stat', isHinted: false, ...looking })) {
        const seen = this.#origins.explain(page)
        this.#backups.noticed(seen)
        const torn = this.#isCutOff ? seen.filter(isTorn) : []
        const whole = torn.length === 0 ? seen : seen.filter((one) => !isTorn(one))
        this.#loop.postLater(() => ({ kind: 'observed', items: this.#fresh(whole) }))
        if (torn.length > 0) this.#noteTorn(torn)
        for (const one of seen) all.push(one)
      }
      return all
    } finally {
      this.#busy--
    }
  }

  /** Reads every file anew. With `heal`, what has changed without a trace is fetched again from a peer, and kept as a copy. */
  audit(options: { heal: boolean; signal: AbortSignal }): Promise<AuditOutcome> {
    const signal = AbortSignal.any([options.signal, this.#loop.signal])
    return this.#auditor.audit({ ...options, signal })
  }

  /** A power cut takes what had not reached the disk, while the index, which had, says that it is there. */
  #noteTorn(torn: readonly Seen[]): void {
    const { log } = this.options
    log.warn({ event: 'folder.torn', folder: this.folder, paths: torn.map(({ path }) => path) }, 'cut off by a crash')
    this.#loop.postLater(() => ({
      kind: 'damage_found',
      items: this.#fresh(torn).map((one) => {
        return {
          ...one,
          isHeldElsewhere: this.#held(one.local?.vector ?? {}) !== 'nowhere',
          otherwise: 'edit' as const,
        }
      }),
    }))
  }

  #held(vector: VersionVector): 'near' | 'away' | 'nowhere' {
    const near = [...this.state.peers.values()].flatMap(({ announced }) => (announced ? [announced] : []))
    if (near.some(({ knowledge }) => covers(knowledge, vector))) return 'near'
    // What this node has said itself, under whatever id, is no other place.
    const { self, formerSelves } = this.options
    const words = [...this.state.members.values()].filter(({ node }) => node !== self && !formerSelves.includes(node))
    const isAway = words.some(({ knowledge }) => covers(knowledge, vector)) || this.options.isHeld(vector)
    return isAway ? 'away' : 'nowhere'
  }

  /** The first scan after a crash is over. */
  recovered(): void {
    this.#isCutOff = false
  }

  /** Looks at what a crash cut off, before any peer is heard: a deletion would else be taken down over what nobody has seen yet. */
  async recover(): Promise<void> {
    if (this.#isCutOff) await this.#auditor.auditRecent()
    const { isEmpty, paths, directories, replaced } = this.#journal.cutOff
    await this.#backups.recover(replaced)
    if (isEmpty) return
    const along = await Promise.all(directories.map((directory) => listBelow(this.options.root, directory)))
    await this.look(new Set([...paths, ...along.flat()]), { mode: 'read', isHinted: true })
    for (const path of paths) {
      const { entry, peer } = this.#journal.cutOff.brought(path) ?? {}
      if (entry && peer) this.tidying.run(this.litter.note([entry], peer))
    }
    this.tidying.keep()
    if (!this.#loop.signal.aborted) this.#journal.forget()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#loop.stop(new Error('the folder is closed'))
    await this.ahead[Symbol.asyncDispose]()
    await this.parcels[Symbol.asyncDispose]()
    await this.#loop.settled()
    this.index.close()
  }

  /** The index may have moved on since the disk was looked at. */
  #fresh(seen: readonly Seen[]): Seen[] {
    const rows = this.index.getMany(seen.map(({ path }) => path))
    return seen.map((one) => ({ ...one, local: rows.get(one.path) }))
  }

  #perform(effect: Effect): void {
    switch (effect.kind) {
      case 'commit':
        this.index.commit(effect)
        this.#noteNames(effect.rows)
        this.options.committed(effect.rows)
        return this.tidying.run(this.litter.committed(effect.rows))
      case 'restat':
        return this.index.restat(effect.items)
      case 'keep_members':
        return this.index.keepMembers(effect.members)
      case 'read_tombstones':
        return this.#loop.postLater(() => ({
          kind: 'tombstones_read',
          ...this.index.tombstones(effect.since, bounds.tombstones),
        }))
      case 'read_entries':
        return this.#loop.run('folder.read', () => this.#read(effect))
      case 'send_summary':
      case 'send_entries':
      case 'send_resend':
      case 'send_disputed':
      case 'send_members':
        for (const message of toMessages(this.folder, this.state.replica, effect))
          this.#links.get(effect.peer)?.send(message)
        return
      case 'apply':
        return this.#loop.run('folder.apply', () => this.#apply(effect))
      case 'fetch':
        return this.#loop.run('folder.fetch', () => this.#fetch(effect))
      case 'stop_fetch':
        return this.options.stopSession(effect.peer)
      case 'observe':
        return this.#lookLater(effect.paths)
      case 'weigh_deletions':
        return this.#loop.run('folder.weigh', () => this.#weigh(effect))
      case 'reincarnate':
        return this.#reincarnate()
      case 'wake':
        return this.#loop.wakeAt(effect.at)
      default:
        return never(effect)
    }
  }

  #noteNames(rows: readonly Entry[]): void {
    for (const { path, deleted } of this.#names ? rows : []) {
      if (deleted) this.#names?.delete(path)
      else this.#names?.add(path)
    }
  }

  async #weigh({ here, told, going, coming }: Extract<Effect, { kind: 'weigh_deletions' }>): Promise<void> {
    const { root, clock, isScanning, hasHints } = this.options
    const begun = clock.now()
    const weights = {
      here: await this.#inTurns(weighInTurns(this.index, here, { going })),
      told: await this.#inTurns(weighInTurns(this.index, told, { going, coming })),
    }
    const tookMs = clock.now() - begun
    this.#loop.postLater(() => ({
      kind: 'deletions_weighed',
      ...weights,
      tookMs,
      total: this.index.totals().files,
      isEmptied: isEmptied(root, this.index.totals()),
      isScanning: isScanning(),
      isBusy: this.#busy > 0,
      isLooking: this.observer.late > 0 || hasHints(),
    }))
  }

  /** Long work on the index; the loop goes on in between. */
  async #inTurns<T>(work: Iterator<undefined, T>): Promise<T> {
    for (;;) {
      const { done, value } = work.next()
      if (done) return value
      await setImmediate(undefined, { signal: this.#loop.signal })
    }
  }

  /** Unfinished files that a scan has found. */
  sweep(files: readonly string[]): void {
    this.tidying.run(this.litter.sweep(files))
  }

  #lookLater(paths: readonly RelativePath[], looking: Partial<Looking> = {}): void {
    this.#loop.run('folder.observe', async () => void (await this.look(paths, looking)))
  }

  /** In a burst many small commits become one read, one message. */
  async #read({ peer, id, since, knowledge, heard, limit }: Extract<Effect, { kind: 'read_entries' }>): Promise<void> {
    const { clock } = this.options
    const wait = (this.#lastRead.get(peer) ?? 0) + readPauseMs - clock.now()
    if (wait > 0) await clock.sleep(wait, this.#loop.signal)
    else await Promise.resolve()
    this.#lastRead.set(peer, clock.now())
    this.#loop.postLater(() => {
      const { knowledge: own, digest } = this.index.meta()
      const found =
        limit > 0 ? this.index.since(since, knowledge, limit, heard) : { rows: [], toSeq: since, complete: false }
      return { kind: 'entries_read', peer, id, ...found, meta: { knowledge: own, digest } }
    })
  }

  async #apply({ items }: Extract<Effect, { kind: 'apply' }>): Promise<void> {
    const applied = await this.#applier.apply(items)
    const rows = new Map(this.#fresh(applied).map((one) => [one.path, one.local]))
    this.#loop.post({ kind: 'applied', items: applied.map((one) => ({ ...one, local: rows.get(one.path) })) })
  }

  async #fetch({ peer, id, items, partial }: Extract<Effect, { kind: 'fetch' }>): Promise<void> {
    const { changed, clock, log, folder, fetched: record } = this.options
    changed()
    // What else comes with a whole directory may hold names that this disk does not tell apart, or what either side leaves out.
    const mayCover = !this.#names && this.isAlike(peer)
    const untouched = mayCover ? untouchedBy(items, this.index) : new Set<RelativePath>()
    const endEntry = await this.#journal.begin(peer, items, untouched)
    const endAhead = this.ahead.bringing(peer, items)
    const backups = this.#backups.watch(peer, items)
    const begun = clock.now()
    const ways: Ways = {
      session: (request) => backups.session(() => this.options.session(peer, request)),
      isQuick: (request) => this.options.isQuick(peer, request),
      parcel: async (some) => {
        const link = this.#links.get(peer)
        return link ? await this.parcels.bring(link, some) : new Map()
      },
    }
    const ended = await this.fetcher.fetch({ peer, items, untouched, partial }, ways)
    const { outcome, reason, items: fetched, extras, byUnison, transferred } = ended
    backups.saw([...fetched, ...extras])
    endAhead(new Set(fetched.flatMap(({ entry, disk }) => (matches(entry, disk) ? [entry.hash] : []))))
    const durationMs = clock.now() - begun
    log.debug({ event: 'folder.fetched', outcome, reason, items: items.length, extras: extras.length, durationMs })
    const came = new Set(transferred)
    const bytes = items.reduce((sum, { entry }) => sum + (came.has(entry.path) ? entry.size : 0), 0)
    const startedAt = clock.wallNow() - durationMs
    record({ folder, peer, files: came.size, bytes, startedAt, durationMs, outcome, reason })
    this.#loop.postLater(() => {
      const local = new Map([...this.#fresh(fetched), ...this.#fresh(extras)].map((one) => [one.path, one.local]))
      const withRow = <T extends Seen>(one: T): T => ({ ...one, local: local.get(one.path) })
      return {
        kind: 'fetch_finished',
        peer,
        id,
        outcome,
        reason,
        items: fetched.map(withRow),
        extras: extras.map(withRow),
      }
    })
    const missed = fetched.filter(({ ran, entry, disk }) => ran && !matches(entry, disk)).map(({ entry }) => entry)
    if (missed.length > 0) this.tidying.run(this.litter.note(missed, peer))
    this.tidying.keep()
    // After the commit, which may still be queued, and without harm to the next session's, which has begun by then.
    this.#loop.postLater(() => {
      endEntry()
      backups.end()
      return undefined
    })
    this.options.byUnison(peer, byUnison)
  }

  /** Nobody need look at what has just been written and checked; and the next machine need not wait for the rest. */
  #noteUnpacked(put: ReadonlyMap<RelativePath, DiskState>): void {
    const seen = [...put].map(([path, disk]) => ({ path, disk, local: undefined }))
    this.#loop.postLater(() => ({ kind: 'observed', items: this.#fresh(seen) }))
  }

  #reincarnate(): void {
    const replica = newReplicaId(this.options.nodeName)
    this.options.log.warn(
      { event: 'index.reincarnated', replica },
      'a peer knows more of this node than it does itself: an old copy was restored',
    )
    this.index.reincarnate(replica)
    this.#loop.post({ kind: 'reincarnated', replica })
  }

  /** For `status`: why this folder cannot be worked with right now. */
  describe(error: unknown): Problem {
    const { code, message, remedy, retryable } = toSpansyncError(error)
    return { code, message: message || messageOf(error), remedy, retryable }
  }
}

interface LinkBeginning {
  /** See `linkUp`. */
  readonly resumed?: boolean
  readonly door: Door
  readonly holdsBack?: HoldsBack | undefined
}

function namesOf(index: FolderIndex, folding: Folding): NamesInUse {
  const names = new NamesInUse(folding)
  for (const { path } of index.below('', Number.MAX_SAFE_INTEGER)) names.add(path)
  return names
}

/** Long enough to gather a burst, short enough not to be felt. */
const readPauseMs = 20

export type { Hint }
