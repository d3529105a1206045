import type { Socket } from 'node:net'
import { configuredAt } from './address-cost.ts'
import type { OwnDial } from './arbitrate.ts'
import { WrongFingerprintError } from './errors.ts'
import { type Greeted, greetFirst } from './handshake.ts'
import { helloFor, type PeerContext } from './peer-context.ts'
import { dial, type SecureConnection } from './secure.ts'
import type { TransportOptions } from './types.ts'

/** A control connection on which both sides have said hello. */
export interface Candidate extends Greeted {
  readonly connection: SecureConnection
  readonly dialed: boolean
  /** Far end, as dialled or as seen. */
  readonly address: string
  readonly connectMs?: number
}

interface Dialling {
  readonly abort: AbortController
  /** The peer has our hello, or soon will. */
  isOffered: boolean
}

/** This node's own tries to connect with one peer. Several addresses may be dialled at a time, but only one connection at a time is
 *  offered to the peer as the link. */
export class OwnDials {
  readonly #transport: TransportOptions
  readonly #context: PeerContext
  readonly #links = new Set<Dialling>()
  readonly #trials = new Set<Dialling>()
  #waiters: (() => void)[] = []

  constructor(transport: TransportOptions, context: PeerContext) {
    this.#transport = transport
    this.#context = context
  }

  get state(): OwnDial {
    if (this.#links.size === 0) return 'none'
    return [...this.#links].some(({ isOffered }) => isOffered) ? 'offered' : 'dialing'
  }

  /** Ends what is under way; with `offered: false` only what the peer has not heard of yet. */
  abort(reason: Error, { offered = true }: { offered?: boolean } = {}): void {
    for (const dialling of [...this.#links, ...this.#trials])
      if (offered || !dialling.isOffered) dialling.abort.abort(reason)
  }

  /** Resolves when the next of them has come to its end. */
  settled(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve))
  }

  /** Dials and offers the connection as the link; `adopt` runs before anybody learns that the dial is over. Throws what `dial` and
   *  `greetFirst` throw, or the reason of the abort. */
  async run(address: string, adopt: (candidate: Candidate) => void): Promise<void> {
    const dialling = { abort: new AbortController(), isOffered: false }
    this.#links.add(dialling)
    try {
      const connection = await this.#connect(address, dialling.abort.signal)
      try {
        while (this.state === 'offered') await this.settled()
        dialling.abort.signal.throwIfAborted()
      } catch (error) {
        connection.tls.destroy()
        throw error
      }
      adopt(await this.#greet({ connection, address, dialling, trial: false }))
    } finally {
      this.#links.delete(dialling)
      for (const wake of this.#waiters.splice(0)) wake()
    }
  }

  /** Dials beside the link that there is. */
  async trial(address: string): Promise<Candidate> {
    const dialling = { abort: new AbortController(), isOffered: false }
    this.#trials.add(dialling)
    try {
      const connection = await this.#connect(address, dialling.abort.signal)
      return await this.#greet({ connection, address, dialling, trial: true })
    } finally {
      this.#trials.delete(dialling)
    }
  }

  async #connect(address: string, signal: AbortSignal): Promise<Awaited<ReturnType<typeof dial>>> {
    const { identity, clock, traffic, peer } = this.#context
    const { id, name } = peer
    const onSocket = (socket: Socket): void => traffic.track(socket, { address: configuredAt(peer, address) })
    try {
      return await dial({ identity, clock, signal, target: { id, name, address }, onSocket })
    } catch (error) {
      // It may be the peer with a new key, which its certificate shows.
      const certificate = error instanceof WrongFingerprintError ? error.certificate : undefined
      if (certificate !== undefined) this.#transport.meet?.(certificate)
      throw error
    }
  }

  async #greet({ connection, address, dialling, trial }: Greeting): Promise<Candidate> {
    const { identity, clock, protocol, up, peer } = this.#context
    const { signal } = dialling.abort
    const greeted = await greetFirst({
      ...{ connection, clock, protocol, name: peer.name, signal, address, channel: { up } },
      hello: helloFor(this.#transport, this.#context, { address, trial }),
      ownId: identity.id,
      onOffered: () => {
        dialling.isOffered = true
      },
    })
    return { ...greeted, connection, dialed: true, address, connectMs: connection.connectMs }
  }
}

interface Greeting {
  readonly connection: Awaited<ReturnType<typeof dial>>
  readonly address: string
  readonly dialling: Dialling
  readonly trial: boolean
}
