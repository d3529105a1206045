import { type Duplex, duplexPair } from 'node:stream'
import type { NodeId } from '@spansync/common/core/causal/types'
import type { Link } from '@spansync/common/ports'
import type { Message, StreamHeader } from '@spansync/common/protocol/messages'

/** What a link leads to, for tests without a network. */
export interface LinkEnd {
  readonly id: NodeId
  readonly links: Map<NodeId, Link>
  receive(link: Link, message: Message): void
  onStream(link: Link, header: StreamHeader, stream: Duplex): void
}

/** A link between two: messages and streams pass at once. `dialer` opens the streams. */
export function joinEnds(dialer: LinkEnd, other: LinkEnd): void {
  const make = (own: LinkEnd, far: LinkEnd, dialed: boolean): Link => ({
    peer: far.id,
    name: far.id,
    dialed,
    send: (message) => queueMicrotask(() => far.receive(far.links.get(own.id) as Link, message)),
    openStream: async (header): Promise<Duplex> => {
      const [near, remote] = duplexPair()
      far.onStream(far.links.get(own.id) as Link, header, remote)
      return near
    },
    drop: () => {},
  })
  dialer.links.set(other.id, make(dialer, other, true))
  other.links.set(dialer.id, make(other, dialer, false))
}
