import type { Duplex } from 'node:stream'
import type { NodeId } from '@spansync/common/core/causal/types'
import type { Clock, Link } from '@spansync/common/ports'
import type { Message, StreamHeader } from '@spansync/common/protocol/messages'

/** A request and the stream for it travel apart. */
const meetMs = 15_000

/** Streams that one side of a link wants and the other may have to open: it is always the one that dialled. */
export class Meeting {
  readonly #clock: Clock
  readonly #signal: AbortSignal
  /** By the stream's id: who waits for it. */
  readonly #awaited = new Map<string, PromiseWithResolvers<Duplex> & { readonly peer: NodeId }>()

  constructor(clock: Clock, signal: AbortSignal) {
    this.#clock = clock
    this.#signal = signal
  }

  /** Opens the stream, or sends `invite` and waits until the peer has. Rejects when it does not, in time. */
  async ask(link: Link, header: StreamHeader, invite: Message): Promise<Duplex> {
    if (link.dialed) return await link.openStream(header, this.#signal)
    const met = { ...Promise.withResolvers<Duplex>(), peer: link.peer }
    this.#awaited.set(header.id, met)
    const enough = new AbortController()
    const late = this.#clock.sleep(meetMs, AbortSignal.any([this.#signal, enough.signal])).then(() => {
      throw new Error('the peer did not open the stream')
    })
    try {
      link.send(invite)
      return await Promise.race([met.promise, late])
    } finally {
      this.#awaited.delete(header.id)
      enough.abort()
      late.catch(() => undefined)
    }
  }

  /** A stream has come. False: nobody waits for it. */
  bring(id: string, stream: Duplex): boolean {
    const awaited = this.#awaited.get(id)
    awaited?.resolve(stream)
    return awaited !== undefined
  }

  /** The link to the peer is down. */
  lost(peer: NodeId): void {
    for (const awaited of this.#awaited.values()) {
      if (awaited.peer === peer) awaited.reject(new Error('the link went down'))
    }
  }

  /** It will not come. */
  refuse(id: string, reason: string): void {
    this.#awaited.get(id)?.reject(new Error(reason))
  }
}
