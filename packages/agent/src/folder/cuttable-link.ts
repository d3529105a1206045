import type { Duplex } from 'node:stream'
import type { NodeId } from '@spansync/common/core/causal/types'
import type { Link } from '@spansync/common/ports'

/** The streams of one folder with each peer, so that a door that shuts can cut them off while the link, and what else passes over it,
 *  stays. */
export class CuttableStreams {
  readonly #open = new Map<NodeId, Set<Duplex>>()

  /** The same link, whose streams can be cut. */
  over(link: Link): Link {
    const { peer, name, dialed } = link
    return {
      peer,
      name,
      dialed,
      get localAddress() {
        return link.localAddress
      },
      get address() {
        return link.address
      },
      send: (message) => link.send(message),
      drop: (reason) => link.drop(reason),
      openStream: async (header, signal) => this.track(peer, await link.openStream(header, signal)),
    }
  }

  track(peer: NodeId, stream: Duplex): Duplex {
    const streams = this.#open.get(peer) ?? new Set()
    this.#open.set(peer, streams.add(stream))
    stream.once('close', () => streams.delete(stream))
    return stream
  }

  cut(peer: NodeId, reason: string): void {
    for (const stream of this.#open.get(peer) ?? []) {
      // Nobody may be listening yet, or any more.
      stream.once('error', () => undefined)
      stream.destroy(new Error(reason))
    }
  }
}
