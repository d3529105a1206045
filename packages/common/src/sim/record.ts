import type { CommitRow, EffectOf } from '../core/agent/events.ts'
import type { HoldsBack } from '../core/agent/state.ts'
import type { Dot, Entry, NodeId, RelativePath, VersionVector } from '../core/causal/types.ts'
import { covers, coversDot } from '../core/causal/version-vector.ts'
import type { SimAgent } from './sim-agent.ts'
import type { SimWorld } from './world.ts'

export interface Passage {
  readonly to: SimAgent
  readonly from: NodeId
  readonly hash: string
}

/** What happened in a world, for the checks at its end. Contents at a path are `path:hash`. */
export class Record {
  /** Every write that any index has committed: who, which, where. */
  readonly writes: { readonly dot: Dot; readonly path: RelativePath }[] = []
  /** Where a conflict was settled of which both sides had been replaced, each by something that the other one had beaten; `path:hash`. */
  readonly unsettled = new Set<string>()
  /** Writes that put something in the place of what this write had made, by its `replica:counter`. */
  readonly #replacements = new Map<string, Dot[]>()
  commits = 0
  /** Contents that a session overwrote without the index having seen them (Unison keeps a backup of them). */
  readonly backedUp = new Set<string>()
  /** Contents that a session brought without being asked: the sender's file had changed by then, or lay in a new directory. */
  readonly unasked = new Set<string>()
  /** Conflict copies; a content may come to one although somebody deleted the same content there before. */
  readonly copies = new Set<string>()
  /** Somebody's index was lost, and with it what its users had seen before they replaced it. */
  historyLost = false
  /** Tombstones that an index has dropped. */
  readonly droppedAt = new Map<RelativePath, VersionVector[]>()
  /** Dropped although somebody did not have it. */
  readonly droppedTooEarly: string[] = []
  everRemoved = false
  /** Asked for although policy holds it back. */
  readonly askedInVain: string[] = []
  /** The content, by `agent<peer:path`. */
  readonly #heldBackThere = new Map<string, string>()
  /** How often a content came to an agent, by `agent:hash`. */
  readonly transferred = new Map<string, number>()

  /** Called whenever content passes a link. */
  onMoved: ((passed: Passage) => void) | undefined

  moved({ to, from, hash }: Passage): void {
    this.onMoved?.({ to, from, hash })
    const key = `${to.name}:${hash}`
    this.transferred.set(key, (this.transferred.get(key) ?? 0) + 1)
  }

  /** What the peer holds back, as it has just been told. */
  told(from: SimAgent, to: SimAgent, { rows, heldBack }: EffectOf<'send_entries'>): void {
    for (const { path, hash } of rows) {
      if (heldBack.has(path)) this.#heldBackThere.set(`${to.name}<${from.name}:${path}`, hash)
      else this.#heldBackThere.delete(`${to.name}<${from.name}:${path}`)
    }
  }

  /** `holdsBack`: by the policy of the one that asks. */
  asked(agent: SimAgent, { items, peer }: EffectOf<'fetch'>, holdsBack: HoldsBack | undefined): void {
    for (const { entry } of items) {
      const { path, hash } = entry
      const isHeldBackThere = this.#heldBackThere.get(`${agent.name}<${peer}:${path}`) === hash
      if (!isHeldBackThere && !holdsBack?.(entry)) continue
      const whose = isHeldBackThere ? 'of the peer ' : ''
      this.askedInVain.push(`${agent.name} asked ${peer} for ${path}, which policy ${whose}holds back`)
    }
  }

  kept(path: RelativePath, hash: string): void {
    this.copies.add(`${path}:${hash}`)
  }

  dropped(world: SimWorld, agent: SimAgent, paths: readonly RelativePath[]): void {
    for (const path of paths) {
      const row = agent.index.get(path)
      if (!row?.deleted) continue
      this.droppedAt.set(path, [...(this.droppedAt.get(path) ?? []), row.vector])
      for (const other of world.agents) {
        // Who is cut off by a removal, or comes back after it, is not heard of at once. What it still holds must be told dead.
        const isKnown = agent.state.members.has(other.id) && !this.historyLost && !this.everRemoved
        if (!isKnown || covers(other.index.meta().knowledge, row.vector)) continue
        this.droppedTooEarly.push(`${agent.name} dropped the tombstone of ${path}, which ${other.name} does not have`)
      }
    }
  }

  /** `wishes`: what the agent was to take at the time. */
  committed(agent: SimAgent, rows: readonly CommitRow[], wishes: (path: RelativePath) => readonly Entry[]): void {
    this.commits++
    const { replica } = agent.state
    const before = agent.index.meta().knowledge[replica] ?? 0
    for (const { path, vector, dots, hash } of rows) {
      const counter = vector[replica] ?? 0
      if (counter <= before) continue
      this.writes.push({ dot: [replica, counter], path })
      const local = agent.index.get(path)
      if (!local) continue
      const isWrite = dots.some(([by, at]) => by === replica && at === counter)
      if (isWrite) this.#noteReplaced(local, [replica, counter])
      else if (wishes(path).some((remote) => this.#isReplaced(local, remote) && this.#isReplaced(remote, local))) {
        this.unsettled.add(`${path}:${hash}`)
      }
    }
  }

  #noteReplaced({ dots }: Entry, by: Dot): void {
    for (const dot of dots) {
      const name = dot.join(':')
      this.#replacements.set(name, [...(this.#replacements.get(name) ?? []), by])
    }
  }

  /** By what has really happened, whatever the entries say of it. */
  #isReplaced({ dots }: Entry, { vector }: Entry): boolean {
    return dots.every((dot) => this.#replacements.get(dot.join(':'))?.some((by) => coversDot(vector, by)))
  }
}
