import type { FolderId, NodeId } from '../causal/types.ts'
import type { FinishedOrder, LinkFacts, NodeFacts, ReplicaFacts, StateFacts } from '../coordinator/facts.ts'

/** What a state message is made of, as it is now. */
export interface Snapshot {
  readonly mode: NodeFacts['mode']
  readonly links: readonly LinkFacts[]
  readonly replicas: readonly ReplicaFacts[]
  readonly orders: readonly string[]
  readonly finished: readonly FinishedOrder[]
}

export interface Sender {
  readonly node: NodeId
  readonly name: string
  readonly software: string
  readonly run: string
}

export interface StateMessage extends StateFacts {
  /** In force here. */
  readonly orders: readonly string[]
}

/** What the coordinator knows already, so that a message holds only what has changed. Everything again after anything went wrong. */
export class StateDeltas {
  readonly #sender: Sender
  #seq = 0
  #needsAll = true
  #isBehind = false
  #mode: NodeFacts['mode'] | undefined
  #replicas = new Map<FolderId, ReplicaFacts>()
  #links = new Map<NodeId, LinkFacts>()
  #linksAt = 0

  constructor(sender: Sender) {
    this.#sender = sender
  }

  /** The last message could not hold all that there was to say. */
  get isBehind(): boolean {
    return this.#isBehind
  }

  /** The last message did not arrive, or the coordinator is another one. */
  reset(): void {
    this.#needsAll = true
  }

  /** Undefined: there is nothing to say. */
  next({ mode, links, replicas, orders, finished }: Snapshot, now: number): StateMessage | undefined {
    const full = this.#needsAll
    const news = full ? replicas : replicas.filter((one) => !isEqual(one, this.#replicas.get(one.folder)))
    const changed = firstOf(news)
    this.#isBehind = changed.length < news.length
    const held = new Set(replicas.map(({ folder }) => folder))
    const dropped = full ? [] : [...this.#replicas.keys()].filter((folder) => !held.has(folder))
    const withLinks = full || this.#linksAreNews(links, now)
    const sameMode = isEqual(mode, this.#mode)
    if (!full && !withLinks && sameMode && changed.length + dropped.length + finished.length === 0) return undefined
    this.#seq++
    return {
      ...this.#sender,
      seq: this.#seq,
      full,
      mode,
      ...(withLinks ? { links: [...links] } : {}),
      replicas: [...changed],
      ...(dropped.length > 0 ? { dropped } : {}),
      orders: [...orders],
      ...(finished.length > 0 ? { finished: [...finished] } : {}),
    }
  }

  /** The coordinator has it. */
  accepted({ full, mode, links, replicas, dropped }: StateMessage, now: number): void {
    if (full) this.#replicas.clear()
    for (const facts of replicas) this.#replicas.set(facts.folder, facts)
    for (const folder of dropped ?? []) this.#replicas.delete(folder)
    this.#mode = mode
    this.#needsAll = false
    if (!links) return
    this.#links = new Map(links.map((link) => [link.peer, link]))
    this.#linksAt = now
  }

  /** Counters and wavering measurements alone are told now and then. */
  #linksAreNews(links: readonly LinkFacts[], now: number): boolean {
    if (now - this.#linksAt >= linksEveryMs) return true
    return links.length !== this.#links.size || links.some((link) => isNews(this.#links.get(link.peer), link))
  }
}

/** As many as fit into one message beside everything else; at least one. */
function firstOf(replicas: readonly ReplicaFacts[]): readonly ReplicaFacts[] {
  let bytes = 0
  const end = replicas.findIndex((one, at) => {
    bytes += JSON.stringify(one).length
    return at > 0 && bytes > mostReplicaBytes
  })
  return end < 0 ? replicas : replicas.slice(0, end)
}

/** A message may hold a million in all. */
const mostReplicaBytes = 600_000

/** Plain data, made in the same way on both sides. */
function isEqual(left: unknown, right: unknown): boolean {
  return JSON.stringify(left) === JSON.stringify(right)
}

function isNews(before: LinkFacts | undefined, after: LinkFacts): boolean {
  if (before?.up !== after.up || !isEqual(before.configured, after.configured)) return true
  return moved(before.rttMs, after.rttMs, 2) || moved(before.throughputBps, after.throughputBps)
}

function moved(before: number | undefined, after: number | undefined, least = 0): boolean {
  if (before === undefined || after === undefined) return before !== after
  const difference = Math.abs(after - before)
  return difference > least && difference > 0.2 * Math.max(before, after)
}

const linksEveryMs = 300_000
