import type { Handler, Incoming } from '@spansync/common/adapters/nats/subscriptions'

/** A handler that keeps what it gets. */
export interface Inbox {
  readonly handler: Handler
  readonly received: readonly Incoming[]
  /** Their payloads, as text. */
  readonly texts: readonly string[]
}

export function createInbox(): Inbox {
  const received: Incoming[] = []
  return {
    handler: (message) => received.push(message),
    received,
    get texts() {
      return received.map(({ data }) => new TextDecoder().decode(data))
    },
  }
}
