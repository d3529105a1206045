import type { FolderId, NodeId } from '@spansync/common/core/causal/types'

/** An order on its way to one of its two nodes. */
export interface Dispatch {
  readonly to: NodeId
  readonly peer: NodeId
  readonly folder: FolderId
  readonly id: string
  readonly expiresInMs: number
}

export interface OutboxOptions {
  /** So many may be without an answer at a time. */
  readonly limit: number
  /** Resolves when the node has answered, or will not. Never rejects. */
  readonly send: (order: Dispatch) => Promise<void>
}

/** Orders wait here for their turn: when a thousand folders change at once, the connection would refuse most of what is sent at once. Bound
 *  by the edges of all plans, since a newer order for the same end of an edge takes the place of the one that waits. */
export class Outbox implements Disposable {
  readonly #options: OutboxOptions
  readonly #waiting = new Map<string, Dispatch>()
  #under = 0

  constructor(options: OutboxOptions) {
    this.#options = options
  }

  add(order: Dispatch): void {
    this.#waiting.set(`${order.to} ${order.peer} ${order.folder}`, order)
    this.#sendNext()
  }

  /** What waits is dropped. */
  [Symbol.dispose](): void {
    this.#waiting.clear()
  }

  #sendNext(): void {
    const { limit, send } = this.#options
    for (const [key, order] of this.#waiting) {
      if (this.#under >= limit) return
      this.#waiting.delete(key)
      this.#under++
      void send(order).finally(() => {
        this.#under--
        this.#sendNext()
      })
    }
  }
}
