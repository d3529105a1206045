import type { Entry, NodeId, Row } from '@spansync/common/core/causal/types'
import { isResting, type Rest } from '@spansync/common/core/policy/rest'
import type { Clock } from '@spansync/common/ports'

export interface Read {
  readonly rows: readonly Row[]
  readonly toSeq: number
  readonly complete: boolean
}

interface Waiting {
  /** By the clock that never goes back. */
  readonly since: number
  readonly rest: Rest
  /** Epoch ms. */
  readonly firstAtMs: number
  readonly lastAtMs: number
}

/** Holds back from single peers what has not rested for as long as policy wants over their link. What was changed after it waits with
 *  it, so that each peer hears of everything in the order in which it happened here. */
export class Resting {
  readonly #clock: Clock
  readonly #restOver: (peer: NodeId) => Rest | undefined
  readonly #waiting = new Map<NodeId, Waiting>()
  #releasedAt = Number.NEGATIVE_INFINITY

  constructor(clock: Clock, restOver: (peer: NodeId) => Rest | undefined) {
    this.#clock = clock
    this.#restOver = restOver
  }

  /** What may be sent now of what the index has for the peer. */
  holdBack(peer: NodeId, read: Read): Read & { readonly heldUntil?: number } {
    const rest = this.#restOver(peer)
    const first = rest && this.#isOverdue(peer, rest) ? -1 : read.rows.findIndex((row) => this.#isResting(row, rest))
    const row = read.rows[first]
    if (!rest || !row) {
      if (!rest || read.complete) this.#waiting.delete(peer)
      return read
    }
    const now = this.#clock.wallNow()
    const { since, firstAtMs } = this.#waiting.get(peer) ?? { since: this.#clock.now(), firstAtMs: now }
    const lastAtMs = row.mtimeUs / 1000
    this.#waiting.set(peer, { since, rest, firstAtMs, lastAtMs })
    const heldUntil = Math.min(this.#clock.now() + lastAtMs + rest.settleMs - now, since + rest.mostMs)
    return { rows: read.rows.slice(0, first), toSeq: row.seq - 1, complete: false, heldUntil }
  }

  isHeld(peer: NodeId, entry: Entry): boolean {
    const rest = this.#restOver(peer)
    return rest !== undefined && !this.#isOverdue(peer, rest) && this.#isResting(entry, rest)
  }

  /** Whether what passes over the link has to rest. */
  hasRest(peer: NodeId): boolean {
    return this.#restOver(peer) !== undefined
  }

  /** Since when something waits for the peer, and when it was written last; epoch ms. */
  changesFor(peer: NodeId): Pick<Waiting, 'firstAtMs' | 'lastAtMs'> | undefined {
    return this.#waiting.get(peer)
  }

  /** A person wants what has been written so far to pass now. */
  release(): void {
    this.#releasedAt = this.#clock.wallNow()
  }

  linkDown(peer: NodeId): void {
    this.#waiting.delete(peer)
  }

  /** Policy says something else of what waits than when it was held back. */
  get isOutdated(): boolean {
    return [...this.#waiting].some(([peer, { rest }]) => {
      const now = this.#restOver(peer)
      return now?.settleMs !== rest.settleMs || now?.mostMs !== rest.mostMs
    })
  }

  #isOverdue(peer: NodeId, { mostMs }: Rest): boolean {
    const since = this.#waiting.get(peer)?.since
    return since !== undefined && this.#clock.now() - since >= mostMs
  }

  #isResting(entry: Row | Entry, rest: Rest | undefined): boolean {
    return rest !== undefined && isResting(entry, rest, { now: this.#clock.wallNow(), releasedAt: this.#releasedAt })
  }
}
