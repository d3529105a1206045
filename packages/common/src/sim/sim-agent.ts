import type { ApplyItem, Brought, Effect, FolderEvent, Seen } from '../core/agent/events.ts'
import { type Door, type FolderState, type HoldsBack, initialState } from '../core/agent/state.ts'
import { weigh } from '../core/agent/weigh.ts'
import type { FolderIndex } from '../core/causal/folder-index.ts'
import type { DiskState, Entry, FolderId, NodeId, RelativePath, ReplicaId } from '../core/causal/types.ts'
import { never } from '../core/never.ts'
import type { DeletionLimits } from '../core/policy/deletion-limits.ts'
import { runSession, type SessionContext } from './session.ts'
import { SimApplier } from './sim-applier.ts'
import type { SimDisk } from './sim-disk.ts'
import { SimJournal } from './sim-journal.ts'
import type { Step } from './types.ts'
import type { SimWorld } from './world.ts'

type WithoutTime<T> = T extends unknown ? Omit<T, 'at'> : never

const folder = 'sim' as FolderId

export interface SimAgentOptions {
  readonly name: string
  readonly index: FolderIndex
  readonly disk: SimDisk
  readonly world: SimWorld
  readonly step: Step
  readonly guard: DeletionLimits | undefined
  /** Of files: what it takes part in; absent: all. */
  readonly wants?: ((content: string) => boolean) | undefined
}

/** One agent: the real `step` over an index and a disk in memory. A crash loses its state and what was under way, not those two. */
export class SimAgent {
  readonly id: NodeId
  readonly name: string
  index: FolderIndex
  readonly disk: SimDisk
  state: FolderState
  skewUs = 0
  /** It leaves some files out. */
  readonly isPicky: boolean
  readonly #wants: (content: string) => boolean
  readonly #world: SimWorld
  readonly #step: Step
  readonly #applier: SimApplier
  readonly #session: SessionContext
  readonly #hinted = new Set<RelativePath>()
  readonly #journal = new SimJournal()
  /** Rises with a crash: what an earlier life had under way no longer reports. */
  #life = 0
  /** Sessions that are to bring no more. */
  readonly #stopped = new Set<string>()
  #wakeAt = Number.POSITIVE_INFINITY
  #follows: FolderState['follows'] = 'peers'
  readonly #doors = new Map<NodeId, Door>()
  readonly #holdsBack = new Map<NodeId, HoldsBack>()
  #sharers: readonly NodeId[] = []
  readonly #guard: DeletionLimits | undefined

  constructor(options: SimAgentOptions) {
    const { name, index, disk, world, step, guard, wants } = options
    this.isPicky = wants !== undefined
    this.#wants = wants ?? (() => true)
    this.name = name
    this.id = name as NodeId
    this.index = index
    this.disk = disk
    this.#world = world
    this.#step = step
    this.#guard = guard
    this.state = this.#begin()
    const nowUs = (): number => this.nowUs()
    const fails = (): boolean => world.random.chance(world.faults.apply)
    const kept = (path: RelativePath, hash: string): void => world.record.kept(path, hash)
    const touched = (paths: readonly RelativePath[]): void => this.hint(paths, world.delay())
    this.#applier = new SimApplier({ disk, index: () => this.index, nowUs, fails, touched, kept })
    const later = (delayMs: number, run: () => void): void => this.#later(delayMs, run)
    this.#session = { agent: this, world, applier: this.#applier, journal: this.#journal, later }
  }

  #begin(): FolderState {
    const { replica, knowledge, collected } = this.index.meta()
    const { wordEveryMs } = this.#world
    const members = this.index.members()
    return initialState({
      folder,
      self: this.id,
      replica,
      knowledge,
      collected,
      members,
      wordEveryMs,
      guard: this.#guard,
      scope: this.isPicky ? 'picky' : '',
    })
  }

  /** With whom a person shares the folder. */
  share(nodes: readonly NodeId[]): void {
    this.#sharers = nodes
    this.handle({ kind: 'sharers_set', nodes })
  }

  nowUs(): number {
    return this.#world.queue.now * 1000 + this.skewUs
  }

  handle(event: WithoutTime<FolderEvent>): void {
    const timed = { ...event, at: this.#world.queue.now } as FolderEvent
    const known = timed.kind === 'link_up' ? { ...timed, ...this.#policyOf(timed.peer) } : timed
    const { peers } = this.state
    const { state, effects } = this.#step(this.state, known)
    this.state = state
    const wishes = (path: RelativePath): Entry[] =>
      [...peers.values()].flatMap((peer) => peer.wanted.get(path)?.entry ?? [])
    for (const effect of effects) this.#perform(effect, wishes)
  }

  /** The watcher noticed something, or was made to look. */
  hint(paths: readonly RelativePath[], delayMs: number): void {
    for (const path of paths) this.#hinted.add(path)
    this.#later(delayMs, () => {
      const due = [...this.#hinted]
      this.#hinted.clear()
      const items = due.flatMap((path) => this.#seenWithBelow(path)).filter((seen) => this.#isShared(seen))
      if (items.length > 0) this.handle({ kind: 'observed', items })
    })
  }

  /** Its own decisions need the truth, also of what it takes no part in. */
  #lookAt(paths: readonly RelativePath[], delayMs: number): void {
    this.#later(delayMs, () =>
      this.handle({ kind: 'observed', items: paths.flatMap((path) => this.#seenWithBelow(path)) }),
    )
  }

  /** Deletions wait for a person here. */
  get isWaiting(): boolean {
    const { here, peers } = this.state.deletions.waiting
    return here !== undefined || peers !== undefined
  }

  approve(): void {
    this.handle({ kind: 'deletions_approved' })
  }

  follow(follows: FolderState['follows']): void {
    this.#follows = follows
    this.handle({ kind: 'follow_set', follows })
  }

  orderSoon(peer: NodeId, ordered: boolean): void {
    this.#later(this.#world.delay(), () => this.handle({ kind: 'order_set', peer, ordered }))
  }

  /** What policy says here of the way to a peer; outlives links and crashes, as a configuration does. */
  setDoor(peer: NodeId, door: Door): void {
    this.#doors.set(peer, door)
    this.handle({ kind: 'door_set', peer, door })
  }

  /** The same for single versions. */
  setHoldsBack(peer: NodeId, holdsBack: HoldsBack | undefined): void {
    if (holdsBack) this.#holdsBack.set(peer, holdsBack)
    else this.#holdsBack.delete(peer)
    this.handle({ kind: 'holds_back_set', peer, holdsBack })
  }

  #policyOf(peer: NodeId): { door: Door | undefined; holdsBack: HoldsBack | undefined } {
    return { door: this.#doors.get(peer), holdsBack: this.#holdsBack.get(peer) }
  }

  rescan(): void {
    const known = this.index.below('', Number.MAX_SAFE_INTEGER).map((row) => row.path)
    this.hint([...new Set([...known, ...this.disk.paths()])].sort(), 0)
  }

  /** With another index when its own is lost. */
  crash(index: FolderIndex = this.index): void {
    this.index = index
    this.#life++
    this.#stopped.clear()
    this.#wakeAt = Number.POSITIVE_INFINITY
    this.#hinted.clear()
    this.#journal.crash()
    this.state = this.#begin()
    this.share(this.#sharers)
    this.handle({ kind: 'follow_set', follows: this.#follows })
    const found = this.#journal.recover(this.disk.paths())
    const looked = [...found].map(([path, brought]) => ({
      ...this.seen(path),
      brought: this.#isOwn(path, brought) ? undefined : brought,
    }))
    const items = looked.filter((seen) => this.#isShared(seen))
    if (items.length > 0) this.handle({ kind: 'observed', items })
  }

  /** In a directory that a session copied whole: what a program here put there too. */
  #isOwn(path: RelativePath, brought: Brought | undefined): boolean {
    return brought?.entry === undefined && this.disk.state(path)?.kind !== 'dir' && !this.disk.isPlaced(path)
  }

  /** As a file's size would decide. */
  isWanted({ kind, hash }: Pick<DiskState, 'kind' | 'hash'>): boolean {
    return kind !== 'file' || this.#wants(hash)
  }

  /** What is in the index stays shared, whatever becomes of it. */
  #isShared({ local, disk }: Seen): boolean {
    return !disk || this.isWanted(disk) || (local !== undefined && !local.deleted)
  }

  #later(delayMs: number, run: () => void): void {
    const life = this.#life
    this.#world.queue.after(delayMs, () => {
      if (this.#life === life) run()
    })
  }

  isStopped(session: string): boolean {
    return this.#stopped.has(session)
  }

  seen(path: RelativePath): Seen {
    return { path, local: this.index.get(path), disk: this.disk.state(path) }
  }

  /** A directory that is gone, or is something else now, takes what was in it along. */
  #seenWithBelow(path: RelativePath): Seen[] {
    const seen = this.seen(path)
    if (seen.disk?.kind === 'dir') return [seen]
    const below = this.index.below(path, Number.MAX_SAFE_INTEGER)
    return [seen, ...below.map((row) => this.seen(row.path))]
  }

  #perform(effect: Effect, wishes: (path: RelativePath) => readonly Entry[]): void {
    const world = this.#world
    switch (effect.kind) {
      case 'commit':
        world.committed(this, effect, wishes)
        this.index.commit(effect)
        world.inspect?.(this)
        break
      case 'keep_members':
        this.index.keepMembers(effect.members)
        break
      case 'read_tombstones':
        this.#later(world.delay(), () => {
          this.handle({ kind: 'tombstones_read', ...this.index.tombstones(effect.since, world.page) })
        })
        break
      case 'restat':
        this.index.restat(effect.items)
        break
      case 'read_entries':
        this.#later(world.delay(), () => this.#read(effect))
        break
      case 'send_summary':
      case 'send_entries':
      case 'send_resend':
      case 'send_disputed':
      case 'send_members':
        world.send(this, effect)
        break
      case 'apply':
        this.#later(world.delay(), () => this.#apply(effect.items))
        break
      case 'fetch':
        world.record.asked(this, effect, this.#holdsBack.get(effect.peer))
        this.#later(world.delay(), () => runSession(this.#session, effect))
        break
      case 'stop_fetch':
        this.#stopped.add(effect.id)
        break
      case 'observe':
        this.#lookAt(effect.paths, world.delay())
        break
      case 'weigh_deletions':
        this.#later(world.delay(), () => this.#weigh(effect))
        break
      case 'reincarnate':
        this.#reincarnate()
        break
      case 'wake':
        this.#wake(effect.at)
        break
      default:
        never(effect)
    }
  }

  /** One timer, for the earliest: after it the step says again when it wants to be called. */
  #wake(at: number): void {
    if (at >= this.#wakeAt) return
    this.#wakeAt = at
    this.#later(at - this.#world.queue.now, () => {
      if (this.#wakeAt !== at) return
      this.#wakeAt = Number.POSITIVE_INFINITY
      this.handle({ kind: 'ticked' })
    })
  }

  #weigh({ here, told, going, coming }: Extract<Effect, { kind: 'weigh_deletions' }>): void {
    this.handle({
      kind: 'deletions_weighed',
      here: weigh(this.index, here, { going }),
      told: weigh(this.index, told, { going, coming }),
      total: this.index.totals().files,
      isEmptied: this.disk.files.size === 0,
      isScanning: false,
      isBusy: false,
      isLooking: this.#hinted.size > 0,
      tookMs: this.#world.random.below(100),
    })
  }

  #reincarnate(): void {
    this.index.reincarnate(this.#world.newReplica(this.name))
    this.handle({ kind: 'reincarnated', replica: this.index.meta().replica as ReplicaId })
  }

  #read({ peer, id, since, knowledge, heard, limit }: Extract<Effect, { kind: 'read_entries' }>): void {
    const { knowledge: own, digest } = this.index.meta()
    const nothing = { rows: [], toSeq: since, complete: false }
    const found = limit > 0 ? this.index.since(since, knowledge, Math.min(limit, this.#world.page), heard) : nothing
    this.handle({ kind: 'entries_read', peer, id, ...found, meta: { knowledge: own, digest } })
  }

  #apply(items: readonly ApplyItem[]): void {
    const done = items.map((item) => ({ item, ...this.#applier.apply(item) }))
    this.#later(this.#world.delay(), () => {
      const applied = done.map(({ item: { path, peer, entry }, result, kept }) => ({
        ...this.seen(path),
        peer,
        entry,
        result,
        kept,
        reason: result,
      }))
      this.handle({ kind: 'applied', items: applied })
    })
  }
}
