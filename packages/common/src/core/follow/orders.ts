import type { FolderId, NodeId } from '../causal/types.ts'
import type { FinishedOrder, OrderOutcome } from '../coordinator/facts.ts'

export type OrderRefusal =
  | 'old_epoch'
  | 'folder_not_held'
  | 'unknown_peer'
  | 'not_connected'
  | 'decentralised'
  | 'bad_order'

/** Sync with this peer now. `expiresInMs`: after its arrival. */
export interface Order {
  readonly id: string
  readonly folder: FolderId
  readonly peer: NodeId
  readonly expiresInMs: number
}

export interface OrderAnswer {
  readonly id: string
  readonly accepted: boolean
  readonly code?: OrderRefusal
  readonly reason?: string
}

/** How things stand between this replica and the peer. `settled`: equal by what the peer has said last, which `heard` is. `stuck`: what is
 *  left has been tried and waits. */
export type Standing =
  | { readonly kind: 'settled'; readonly heard: unknown }
  | { readonly kind: 'working' | 'apart' }
  | { readonly kind: 'stuck'; readonly reason: string }

export interface OrdersOptions {
  readonly now: () => number
  /** Whether the node could carry the order out now; else why not. */
  readonly refusalOf: (folder: FolderId, peer: NodeId) => OrderRefusal | undefined
  readonly standing: (folder: FolderId, peer: NodeId) => Standing
  readonly open: (folder: FolderId, peer: NodeId) => void
  readonly close: (folder: FolderId, peer: NodeId) => void
}

interface Active {
  readonly id: string
  readonly folder: FolderId
  readonly peer: NodeId
  readonly begunAt: number
  readonly until: number
  /** What the peer had said when the order came and both were equal by it. */
  readonly settledBy: unknown
}

/** Orders in force on this node. Each opens the door between two replicas until they are equal, or until it runs out. Done once:
 *  one that comes again is answered again and changes nothing. */
export class Orders {
  readonly #options: OrdersOptions
  /** By folder and peer: a newer order for the same edge takes the place of the older one. */
  readonly #active = new Map<string, Active>()
  /** Not yet told to the coordinator; the newest are kept. */
  #finished: readonly FinishedOrder[] = []
  readonly #known = new Set<string>()

  constructor(options: OrdersOptions) {
    this.#options = options
  }

  get ids(): string[] {
    return [...this.#active.values()].map(({ id }) => id)
  }

  take({ id, folder, peer, expiresInMs }: Order): OrderAnswer {
    if (this.#known.has(id)) return { id, accepted: true }
    const code = this.#options.refusalOf(folder, peer)
    if (code !== undefined) return { id, accepted: false, code, reason: refusalTexts[code] }
    this.#remember(id)
    const now = this.#options.now()
    const key = keyOf(folder, peer)
    const before = this.#active.get(key)
    if (before) this.#note(before.id, 'superseded', '')
    const standing = this.#options.standing(folder, peer)
    const settledBy = standing.kind === 'settled' ? standing.heard : undefined
    this.#active.set(key, { id, folder, peer, begunAt: now, until: now + expiresInMs, settledBy })
    this.#options.open(folder, peer)
    return { id, accepted: true }
  }

  /** Looks at every order in force. True when one has ended. */
  review(): boolean {
    const now = this.#options.now()
    let ended = false
    for (const [key, order] of this.#active) {
      const end = this.#endOf(order, now)
      if (!end) continue
      this.#active.delete(key)
      this.#options.close(order.folder, order.peer)
      this.#note(order.id, end.outcome, end.reason)
      ended = true
    }
    return ended
  }

  #endOf({ folder, peer, begunAt, until, settledBy }: Active, now: number): Omit<FinishedOrder, 'id'> | undefined {
    const standing = this.#options.standing(folder, peer)
    if (standing.kind === 'settled') {
      // The coordinator has heard something that the peer has not said here yet: the order was quicker. Its word is waited for.
      const isOld = settledBy !== undefined && standing.heard === settledBy && now - begunAt <= unheardMs
      return isOld ? undefined : { outcome: 'equal', reason: '' }
    }
    if (standing.kind === 'apart') return { outcome: 'unreachable', reason: 'the link to the peer is down' }
    if (standing.kind === 'stuck' && now - begunAt > stuckAfterMs)
      return { outcome: 'incomplete', reason: standing.reason }
    return now >= until ? { outcome: 'expired', reason: 'it ran out' } : undefined
  }

  /** All end: this node no longer follows orders. */
  dropAll(): void {
    for (const { folder, peer, id } of this.#active.values()) {
      this.#options.close(folder, peer)
      this.#note(id, 'superseded', '')
    }
    this.#active.clear()
  }

  /** What has not been told yet. It stays until `told`. */
  get finished(): readonly FinishedOrder[] {
    return this.#finished
  }

  told(orders: readonly FinishedOrder[]): void {
    const known = new Set(orders)
    this.#finished = this.#finished.filter((order) => !known.has(order))
  }

  #note(id: string, outcome: OrderOutcome, reason: string): void {
    this.#finished = [...this.#finished, { id, outcome, reason: reason.slice(0, 1000) }].slice(-mostFinished)
  }

  #remember(id: string): void {
    this.#known.add(id)
    for (const oldest of this.#known) {
      if (this.#known.size <= mostKnown) return
      this.#known.delete(oldest)
    }
  }
}

const keyOf = (folder: FolderId, peer: NodeId): string => `${peer} ${folder}`

/** What waits from earlier tries is tried again when an order comes; so long that may take to begin. */
export const stuckAfterMs = 500
/** For what the coordinator knows to be heard from the peer itself. Nobody waits for the end of an order that was not needed. */
export const unheardMs = 1500
const mostFinished = 1000
const mostKnown = 10_000

export const refusalTexts: Readonly<Record<OrderRefusal, string>> = {
  old_epoch: 'a newer coordinator leads',
  folder_not_held: 'this node does not hold the folder',
  unknown_peer: 'this node does not know the peer, or does not share the folder with it',
  not_connected: 'the link to the peer is down',
  decentralised: 'this node is set to sync directly, whatever the coordinator says',
  bad_order: 'the message is malformed',
}
