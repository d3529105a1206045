import type { EffectOf, RemoteItem } from '../core/agent/events.ts'
import { step as realStep } from '../core/agent/step.ts'
import { blockerOf } from '../core/causal/paths.ts'
import type { Entry, NodeId, RelativePath, ReplicaId, Row } from '../core/causal/types.ts'
import { EventQueue } from './event-queue.ts'
import type { Random } from './random.ts'
import { Record } from './record.ts'
import { SimAgent } from './sim-agent.ts'
import { SimDisk } from './sim-disk.ts'
import type { Faults, Parts, Sending } from './types.ts'

interface SimLink {
  readonly ends: readonly [number, number]
  up: boolean
  /** Rises whenever the link comes or goes: messages of an earlier connection are lost. */
  connection: number
}

export interface SimWorldOptions extends Parts {
  readonly random: Random
  readonly faults: Faults
  /** Entries that one read of an index gives; few, so that most exchanges take several. */
  readonly page?: number
  /** How often members say what they have, so that tombstones can go; never when left out. */
  readonly wordEveryMs?: number | undefined
}

/** N agents with links between them, in virtual time. */
export class SimWorld {
  readonly queue = new EventQueue()
  readonly agents: SimAgent[] = []
  readonly links: SimLink[] = []
  readonly random: Random
  readonly page: number
  readonly wordEveryMs: number
  /** Called after every commit. */
  inspect: ((agent: SimAgent) => void) | undefined
  readonly longest = 60
  /** People have taken the folder away from these. */
  readonly removed = new Set<SimAgent>()
  faults: Faults
  readonly record = new Record()
  messages = 0
  /** When a message was sent or something was committed for the last time. */
  busyAt = 0
  readonly #parts: Parts
  #rounds = 0
  readonly #lastDelivery = new Map<string, number>()
  #incarnations = 0

  constructor({ random, faults, page, wordEveryMs, ...parts }: SimWorldOptions) {
    this.random = random
    this.faults = faults
    this.page = page ?? 3
    this.wordEveryMs = wordEveryMs ?? Number.POSITIVE_INFINITY
    this.#parts = parts
  }

  /** Some leave out what others do not. */
  get isMixed(): boolean {
    return new Set(this.agents.map(({ isPicky }) => isPicky)).size > 1
  }

  newReplica(name: string): ReplicaId {
    return `${name}.${this.#incarnations++}` as ReplicaId
  }

  addAgent(name: string, wants?: (content: string) => boolean): SimAgent {
    const { makeIndex, makeDisk, step, guard } = this.#parts
    const index = makeIndex(this.newReplica(name))
    const disk = makeDisk?.() ?? new SimDisk()
    const agent = new SimAgent({ name, index, disk, world: this, step: step ?? realStep, guard, wants })
    this.agents.push(agent)
    return agent
  }

  addLink(left: number, right: number): void {
    this.links.push({ ends: [left, right], up: false, connection: 0 })
  }

  delay(): number {
    return 1 + this.random.below(this.longest - 1)
  }

  /** Whom each shares the folder with: the ends of its links, whether they are up or not. */
  share(): void {
    for (const agent of this.agents)
      if (!this.removed.has(agent)) agent.share(this.#sharersOf(agent).map(({ id }) => id))
  }

  #sharersOf(agent: SimAgent): SimAgent[] {
    const at = this.agents.indexOf(agent)
    const ends = this.links
      .filter((link) => link.ends.includes(at))
      .map((link) => link.ends[link.ends[0] === at ? 1 : 0])
    return ends.map((end) => this.agents[end] as SimAgent).filter((other) => !this.removed.has(other))
  }

  /** Everybody else takes the folder away from it. It does not know, and goes on by itself. */
  remove(agent: SimAgent): void {
    const at = this.agents.indexOf(agent)
    for (const link of this.links) if (link.ends.includes(at)) this.setLink(link, false)
    this.removed.add(agent)
    this.record.everRemoved = true
    this.share()
  }

  readmit(agent: SimAgent): void {
    if (this.removed.delete(agent)) this.share()
  }

  setLink(link: SimLink, up: boolean): void {
    if (link.up === up || (up && link.ends.some((end) => this.removed.has(this.agents[end] as SimAgent)))) return
    link.up = up
    link.connection++
    const [left, right] = link.ends.map((end) => this.agents[end] as SimAgent) as [SimAgent, SimAgent]
    const kind = up ? 'link_up' : 'link_down'
    left.handle({ kind, peer: right.id })
    right.handle({ kind, peer: left.id })
  }

  /** Both ends hear of it, in a moment each of its own: an order that comes into force, or one that ends. */
  order({ ends }: SimLink, ordered: boolean): void {
    const [left, right] = ends.map((end) => this.agents[end] as SimAgent) as [SimAgent, SimAgent]
    left.orderSoon(right.id, ordered)
    right.orderSoon(left.id, ordered)
  }

  /** The agent dies and comes back: links drop, memory is lost, and a scan follows. Without its index it no longer knows what its
   *  users have replaced and deleted, and what is on its disk counts as new. */
  crash(agent: SimAgent, losesIndex = false): void {
    const at = this.agents.indexOf(agent)
    const links = this.links.filter((link) => link.up && link.ends.includes(at))
    for (const link of links) this.setLink(link, false)
    this.record.historyLost ||= losesIndex
    agent.crash(losesIndex ? this.#parts.makeIndex(this.newReplica(agent.name)) : agent.index)
    for (const link of links) this.setLink(link, true)
    agent.rescan()
  }

  /** The folder closes and opens again while its links stay up, as after a damaged index: it asks its peers to begin again. */
  reopen(agent: SimAgent, losesIndex: boolean): void {
    this.record.historyLost ||= losesIndex
    agent.crash(losesIndex ? this.#parts.makeIndex(this.newReplica(agent.name)) : agent.index)
    const at = this.agents.indexOf(agent)
    for (const { ends } of this.links.filter((link) => link.up && link.ends.includes(at))) {
      const peer = (this.agents[ends[0] === at ? ends[1] : ends[0]] as SimAgent).id
      const round = `${agent.name}${this.#rounds++}`
      this.send(agent, { kind: 'send_resend', peer, round })
      agent.handle({ kind: 'link_up', peer, round })
    }
    agent.rescan()
  }

  send(from: SimAgent, effect: Sending): void {
    const to = this.agents.find((agent) => agent.id === effect.peer) as SimAgent
    const link = this.#linkOf(from, to)
    if (!link?.up) return
    this.messages++
    this.busyAt = this.queue.now
    const { connection } = link
    const key = `${from.name}>${to.name}>${connection}`
    const at = Math.max(this.queue.now + this.delay(), this.#lastDelivery.get(key) ?? 0)
    this.#lastDelivery.set(key, at)
    this.queue.after(at - this.queue.now, () => {
      if (!link.up || link.connection !== connection) return
      if (effect.kind === 'send_entries') this.record.told(from, to, effect)
      deliver(from, to, effect)
    })
  }

  /** The peer, when a session with it can bring something now. */
  reach(to: SimAgent, peer: NodeId): SimAgent | undefined {
    const from = this.agents.find((agent) => agent.id === peer) as SimAgent
    return !this.#linkOf(from, to)?.up || this.random.chance(this.faults.transfer) ? undefined : from
  }

  committed(agent: SimAgent, commit: EffectOf<'commit'>, wishes: (path: RelativePath) => readonly Entry[]): void {
    this.busyAt = this.queue.now
    this.record.committed(agent, commit.rows, wishes)
    this.record.dropped(this, agent, commit.dropped ?? [])
  }

  #linkOf(left: SimAgent, right: SimAgent): SimLink | undefined {
    const ends = [this.agents.indexOf(left), this.agents.indexOf(right)]
    return this.links.find((link) => link.ends.includes(ends[0] as number) && link.ends.includes(ends[1] as number))
  }
}

function deliver(from: SimAgent, to: SimAgent, effect: Sending): void {
  const peer = from.id
  if (effect.kind === 'send_resend') {
    to.handle({ kind: 'resend_requested', peer, all: effect.round === undefined, round: effect.round })
    return
  }
  if (effect.kind === 'send_disputed') {
    return to.handle({ kind: 'entries_disputed', peer, items: itemsFor(to, from, effect.rows) })
  }
  if (effect.kind === 'send_members') return to.handle({ kind: 'members_received', peer, members: effect.members })
  const { knowledge, digest } = effect
  if (effect.kind === 'send_summary') {
    if (effect.received < 0) throw new Error('a summary that no peer takes')
    const { received, complete, scope, partial, follows, door, holdsBack, lacks, round, collected } = effect
    const { replica } = from.state
    const said = { replica, knowledge, digest, received, complete, scope, partial, follows, door, round, collected }
    to.handle({ kind: 'summary_received', peer, ...said, holdsBack, lacks })
    return
  }
  const { toSeq, complete, partial } = effect
  const items = itemsFor(to, from, effect.rows).map((item) => ({
    ...item,
    isHeldBack: effect.heldBack.has(item.remote.path),
  }))
  to.handle({ kind: 'entries_received', peer, items, toSeq, complete, knowledge, digest, partial })
}

/** Of a peer with the same rules everything counts: it has left out what they leave out. */
function itemsFor(to: SimAgent, from: SimAgent, rows: readonly Row[]): RemoteItem[] {
  return rows.map(({ seq: _seq, stat: _stat, ...remote }) => {
    const isUnwanted = from.isPicky !== to.isPicky && !remote.deleted && !to.isWanted(remote)
    return { remote, local: to.index.get(remote.path), blockedBy: blockerOf(to.index, remote.path), isUnwanted }
  })
}
