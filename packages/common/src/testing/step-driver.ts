import type { ApplyItem, ApplyResult, Effect, FetchOutcome, FolderEvent, Seen } from '../core/agent/events.ts'
import type { Lack } from '../core/agent/lack.ts'
import { type Door, type FolderState, initialState } from '../core/agent/state.ts'
import { step } from '../core/agent/step.ts'
import { weigh } from '../core/agent/weigh.ts'
import { emptyDigest } from '../core/causal/digest.ts'
import { type Folding, NamesInUse } from '../core/causal/folding.ts'
import { blockerOf } from '../core/causal/paths.ts'
import type {
  DiskState,
  Entry,
  FolderId,
  NodeId,
  RelativePath,
  ReplicaId,
  VersionVector,
} from '../core/causal/types.ts'
import type { DeletionLimits } from '../core/policy/deletion-limits.ts'
import { MemoryIndex } from './memory-index.ts'

type WithoutTime<T> = T extends unknown ? Omit<T, 'at'> : never
type EventOf<K extends FolderEvent['kind']> = Extract<FolderEvent, { kind: K }>
type EffectOf<K extends Effect['kind']> = Extract<Effect, { kind: K }>

export const here = 'here.1' as ReplicaId
export const self = 'here' as NodeId

interface Nature {
  readonly scope?: string
  readonly wordEveryMs?: number
  readonly folding?: Folding
  readonly guard?: DeletionLimits | undefined
}

interface Announcement {
  readonly knowledge?: VersionVector
  readonly complete?: boolean
  readonly toSeq?: number
  readonly received?: number
  readonly digest?: string
  readonly collected?: VersionVector
  readonly scope?: string
  /** Default: orders, so that only what this replica follows decides. */
  readonly follows?: 'peers' | 'orders'
  readonly door?: Door
  readonly partial?: boolean
  readonly holdsBack?: boolean
  readonly lacks?: Lack
  /** Of its entries, those whose content the peer's policy holds back. */
  readonly heldBack?: readonly RelativePath[]
}

/** The real `step` over an index and a disk in memory, driven by hand: commits are performed at once, all else is for the test to
 *  look at and to answer. */
export class StepDriver {
  state: FolderState
  readonly index = new MemoryIndex(here)
  readonly disk = new Map<RelativePath, DiskState>()
  /** Where a session, and not a program, has put what is there. */
  readonly placed = new Set<RelativePath>()
  now = 1000
  readonly #folding: Folding | undefined

  constructor({ scope = '', wordEveryMs = Number.POSITIVE_INFINITY, folding, guard }: Nature = {}) {
    this.#folding = folding
    const folder = 'folder' as FolderId
    this.state = initialState({ folder, self, replica: here, knowledge: {}, scope, wordEveryMs, folding, guard })
  }

  send(event: WithoutTime<FolderEvent>): Effects {
    const { state, effects } = step(this.state, { ...event, at: this.now } as FolderEvent)
    this.state = state
    for (const effect of effects) {
      if (effect.kind === 'commit') this.index.commit(effect)
      if (effect.kind === 'keep_members') this.index.keepMembers(effect.members)
    }
    return new Effects(effects)
  }

  linkUp(peer: string): Effects {
    return this.send({ kind: 'link_up', peer: peer as NodeId })
  }

  /** The link comes up and both have said that they have nothing. */
  meet(peer: string, scope = ''): void {
    this.answerRead(this.linkUp(peer).one('read_entries'))
    for (let read = this.summary(peer, { scope }).find('read_entries'); read; )
      read = this.answerRead(read).find('read_entries')
  }

  linkDown(peer: string): Effects {
    return this.send({ kind: 'link_down', peer: peer as NodeId })
  }

  summary(
    peer: string,
    {
      knowledge = {},
      complete = true,
      received = 0,
      digest = emptyDigest,
      scope = '',
      follows = 'orders',
      door = 'open',
      collected,
      holdsBack,
      lacks,
    }: Announcement = {},
  ): Effects {
    const said = {
      ...{ holdsBack, lacks },
      ...{ knowledge, complete, received, digest: digest as typeof emptyDigest, scope, partial: false, follows, door },
      ...(collected ? { collected } : {}),
    }
    return this.send({ kind: 'summary_received', peer: peer as NodeId, replica: `${peer}.1` as ReplicaId, ...said })
  }

  /** A page of the peer's entries. Its knowledge, unless given: all that the entries show. */
  entries(
    peer: string,
    entries: readonly Entry[],
    { knowledge, complete = true, toSeq = 1, partial = false, heldBack = [] }: Announcement = {},
  ): Effects {
    const items = entries.map((remote) => ({
      remote,
      local: this.index.get(remote.path),
      blockedBy: blockerOf(this.index, remote.path),
      twin: this.#twinOf(remote.path),
      isHeldBack: heldBack.includes(remote.path),
    }))
    const known = knowledge ?? Object.assign({}, ...entries.map(({ vector }) => vector))
    const said = { toSeq, complete, knowledge: known, digest: emptyDigest, partial }
    return this.send({ kind: 'entries_received', peer: peer as NodeId, items, ...said })
  }

  #twinOf(path: RelativePath): RelativePath | undefined {
    if (!this.#folding) return undefined
    const names = new NamesInUse(this.#folding)
    for (const row of this.index.below('', Number.MAX_SAFE_INTEGER)) names.add(row.path)
    return names.twinOf(path)
  }

  /** What the index says to a read, as the shell would answer it. */
  answerRead({ peer, id, since, knowledge, heard, limit }: EffectOf<'read_entries'>): Effects {
    const { knowledge: own, digest } = this.index.meta()
    const nothing = { rows: [], toSeq: since, complete: false }
    const found = limit > 0 ? this.index.since(since, knowledge, limit, heard) : nothing
    return this.send({ kind: 'entries_read', peer, id, ...found, meta: { knowledge: own, digest } })
  }

  /** All that follows from these effects, until the index is asked no more. */
  answerAll(effects: Effects): readonly Effect[] {
    const read = effects.find('read_entries')
    return read ? [...effects.all, ...this.answerAll(this.answerRead(read))] : effects.all
  }

  /** Somebody puts something on the disk (nothing: takes it away), and the watcher notices. */
  edit(path: RelativePath, disk: DiskState | undefined): Effects {
    this.put(path, disk)
    return this.observe(path)
  }

  /** A session puts something there. */
  place(path: RelativePath, disk: DiskState): void {
    this.put(path, disk)
    this.placed.add(path)
  }

  put(path: RelativePath, disk: DiskState | undefined): void {
    this.placed.delete(path)
    if (disk) this.disk.set(path, disk)
    else this.disk.delete(path)
  }

  observe(...paths: RelativePath[]): Effects {
    return this.send({ kind: 'observed', items: paths.map((path) => this.seen(path)) })
  }

  /** The session is over; the disk shows what it shows. */
  finish(
    fetch: EffectOf<'fetch'>,
    { outcome = 'done', reason = '', extras = [], left = [] }: Partial<Ending> = {},
  ): Effects {
    const items = fetch.items.map(({ entry }) => ({
      ...this.seen(entry.path),
      entry,
      ran: !left.includes(entry.path),
      isTransferred: this.placed.has(entry.path),
    }))
    const seenExtras = extras.map((path) => ({ ...this.seen(path), isTransferred: this.placed.has(path) }))
    return this.send({
      kind: 'fetch_finished',
      peer: fetch.peer,
      id: fetch.id,
      outcome,
      reason,
      items,
      extras: seenExtras,
    })
  }

  /** The disk has done, or refused, what it was told. */
  applied(items: readonly ApplyItem[], result: ApplyResult = 'done', kept = result === 'done'): Effects {
    const ended = items.map((item) => ({
      ...this.seen(item.path),
      peer: item.peer,
      entry: item.entry,
      result,
      reason: result,
      kept: kept && item.operations.includes('keep'),
    }))
    return this.send({ kind: 'applied', items: ended })
  }

  /** What the index says to the question how much is at stake. */
  weighed({ here, told, going, coming }: EffectOf<'weigh_deletions'>, facts: Partial<Facts> = {}): Effects {
    return this.send({
      kind: 'deletions_weighed',
      here: weigh(this.index, here, { going }),
      told: weigh(this.index, told, { going, coming }),
      total: this.index.totals().files,
      isEmptied: false,
      isScanning: false,
      isBusy: false,
      isLooking: false,
      tookMs: 0,
      ...facts,
    })
  }

  tick(afterMs: number): Effects {
    this.now += afterMs
    return this.send({ kind: 'ticked' })
  }

  wish(peer: string, path: RelativePath) {
    return this.state.peers.get(peer as NodeId)?.wanted.get(path)
  }

  seen(path: RelativePath): Seen {
    return { path, local: this.index.get(path), disk: this.disk.get(path) }
  }
}

type Facts = Pick<EventOf<'deletions_weighed'>, 'isEmptied' | 'isScanning' | 'isBusy' | 'isLooking' | 'tookMs'>

interface Ending {
  readonly outcome: FetchOutcome
  readonly reason: string
  /** Paths that the session brought without being asked. */
  readonly extras: readonly RelativePath[]
  /** Paths that were left out of the session. */
  readonly left: readonly RelativePath[]
}

/** One that has met the peer. */
export function met(peer: string): StepDriver {
  const driver = new StepDriver()
  driver.meet(peer)
  return driver
}

/** What a step asked for. */
export class Effects {
  readonly all: readonly Effect[]

  constructor(all: readonly Effect[]) {
    this.all = all
  }

  get kinds(): string[] {
    return this.all.map(({ kind }) => kind)
  }

  find<K extends Effect['kind']>(kind: K): EffectOf<K> | undefined {
    return this.all.find((effect): effect is EffectOf<K> => effect.kind === kind)
  }

  one<K extends Effect['kind']>(kind: K): EffectOf<K> {
    const found = this.find(kind)
    if (!found) throw new Error(`no ${kind} among ${this.kinds.join(', ') || 'nothing'}`)
    return found
  }

  /** Paths and what is done to them. */
  operations(): Record<RelativePath, string> {
    const items = this.find('apply')?.items ?? []
    return Object.fromEntries(items.map(({ path, operations }) => [path, operations.join(' ')]))
  }

  fetches(): Record<string, RelativePath[]> {
    const all = this.all.filter((effect) => effect.kind === 'fetch')
    return Object.fromEntries(all.map(({ peer, items }) => [peer, items.map(({ entry }) => entry.path)]))
  }
}
