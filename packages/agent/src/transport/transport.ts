import { isDeepStrictEqual } from 'node:util'
import type { NodeId } from '@spansync/common/core/causal/types'
import { protocolVersion } from '@spansync/common/protocol/messages'
import { type SpansyncError, toSpansyncError } from '@spansync/common/runtime/errors'
import { configuredAt } from './address-cost.ts'
import { withDeadline } from './alarm.ts'
import { LinkClosedError, StrangerError } from './errors.ts'
import { checkPreamble } from './handshake.ts'
import { type ListenAddress, Listener } from './listener.ts'
import { NetworkWatch } from './network-watch.ts'
import { answerStream, readStreamHeader } from './open-stream.ts'
import { PeerEntry } from './peer-entry.ts'
import { decodePreamble, encodePreamble, preambleBytes, readExactly } from './preamble.ts'
import { farEndOf, type SecureConnection } from './secure.ts'
import type { LinkStatus, Peer, Transport, TransportOptions } from './types.ts'

const openingTimeoutMs = 15_000
const farewellMs = 1_000
/** Strangers that may say at one time why they come, while somebody is expected. */
const mostStrangers = 16
/** So many different strangers are told of in the log; then no more. */
const maxToldStrangers = 100

/** All links of this node. Does nothing before `start`. */
export function createTransport(options: TransportOptions): Transport {
  return new LinkManager(options)
}

class LinkManager implements Transport {
  readonly #options: TransportOptions
  readonly #listener: Listener
  readonly #watch: NetworkWatch
  readonly #entries = new Map<NodeId, PeerEntry>()
  readonly #toldStrangers = new Set<NodeId>()
  #strangers = 0
  #listen: ListenAddress | undefined
  #started = false
  #disposed = false

  constructor(options: TransportOptions) {
    this.#options = options
    this.#listen = options.listen
    this.#listener = new Listener(options.identity, (connection) => this.#receive(connection))
    this.#watch = new NetworkWatch(options.clock, {
      isApart: () => [...this.#entries.values()].some(({ isDialling }) => isDialling),
    })
    this.setPeers(options.peers)
  }

  get port(): number | undefined {
    return this.#listener.port
  }

  async start(): Promise<void> {
    if (this.#listen !== undefined) await this.#listener.open(this.#listen)
    this.#started = true
    for (const entry of this.#entries.values()) entry.start()
    void this.#watch.run((addresses) => {
      for (const entry of this.#entries.values()) entry.poke(addresses)
      this.#options.onNetworkChanged?.(addresses)
    })
  }

  setPeers(peers: readonly Peer[]): void {
    const wanted = new Map(peers.filter(({ id }) => id !== this.#options.identity.id).map((peer) => [peer.id, peer]))
    for (const [id, entry] of this.#entries) {
      if (wanted.has(id)) continue
      this.#entries.delete(id)
      entry.remove(new LinkClosedError('peer_removed', `${this.#options.name} no longer has this peer`))
    }
    for (const [id, peer] of wanted) {
      this.#toldStrangers.delete(id)
      const entry = this.#entries.get(id)
      if (entry === undefined) this.#add(peer)
      else if (!isDeepStrictEqual(entry.context.peer, peer)) entry.update(peer)
    }
  }

  async setListen(listen: ListenAddress | undefined): Promise<void> {
    const before = this.#listen
    const port = this.#listener.port
    if (isDeepStrictEqual(before, listen)) return
    await this.#listener.close()
    try {
      if (listen !== undefined) await this.#listener.open(listen)
      this.#listen = listen
    } catch (error) {
      if (before !== undefined) await this.#listener.open({ ...before, port: port ?? before.port })
      throw error
    }
  }

  setFound(peer: NodeId, addresses: readonly string[]): void {
    this.#entries.get(peer)?.setFound(addresses)
  }

  poke(peer?: NodeId): void {
    const entries = peer === undefined ? [...this.#entries.values()] : [this.#entries.get(peer)]
    for (const entry of entries) entry?.poke()
  }

  links(): readonly LinkStatus[] {
    return [...this.#entries.values()].map((entry) => entry.status())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#disposed) return
    this.#disposed = true
    this.#watch.stop()
    await this.#listener.close()
    const reason = new LinkClosedError('shutdown', `${this.#options.name} is shutting down`)
    const entries = [...this.#entries.values()]
    this.#entries.clear()
    for (const entry of entries) entry.remove(reason)
    // What is still to be said is small; a peer that does not take it in time is left.
    const late = (): Error => reason
    await withDeadline({ clock: this.#options.clock, ms: farewellMs, late }, async (signal) => {
      await Promise.all(entries.map((entry) => entry.context.traffic.settled(signal)))
    })
  }

  #add(peer: Peer): void {
    const entry = new PeerEntry(this.#options, peer)
    this.#entries.set(peer.id, entry)
    if (this.#started) entry.start()
  }

  /** A connection whose handshake is done. Nothing of ours goes out before its id is found among the peers. */
  #receive(connection: SecureConnection): void {
    const entry = this.#disposed ? undefined : this.#entries.get(connection.peer)
    if (entry === undefined) {
      const certificate = this.#disposed ? undefined : connection.tls.getPeerX509Certificate()?.raw
      // It dials again, and is known then.
      if (certificate !== undefined && this.#options.meet?.(certificate)) this.#toldStrangers.add(connection.peer)
      this.#receiveStranger(connection).catch(() => this.#refuse(connection))
      return
    }
    const { traffic, peer } = entry.context
    traffic.track(connection.raw, { address: configuredAt(peer, farEndOf(connection.raw)) })
    this.#open(entry, connection).catch((error: unknown) => {
      connection.tls.destroy()
      const reason = toSpansyncError(error)
      if (entry.link === undefined && reason.code === 'protocol_mismatch')
        entry.health.failed(entry.context.peer.name, reason)
      else this.#logFailed(entry, reason)
    })
  }

  /** Nothing is said to it here: whoever was invited has to show that first. */
  async #receiveStranger(connection: SecureConnection): Promise<void> {
    const { protocol = protocolVersion, joining } = this.#options
    if (this.#disposed || !joining?.isExpecting() || this.#strangers >= mostStrangers) return this.#refuse(connection)
    this.#strangers++
    try {
      const bytes = await this.#readPreamble(connection)
      const preamble = bytes === 'closed' ? undefined : decodePreamble(bytes)
      if (preamble?.kind !== 'join' || preamble.protocol !== protocol) return this.#refuse(connection)
      await joining.receive(connection)
    } finally {
      this.#strangers--
    }
  }

  #refuse(connection: SecureConnection): void {
    const { peer, raw, tls } = connection
    const address = raw.remoteAddress ?? 'an unknown address'
    tls.destroy()
    if (this.#disposed || this.#toldStrangers.has(peer) || this.#toldStrangers.size >= maxToldStrangers) return
    this.#toldStrangers.add(peer)
    const { code, message, remedy } = new StrangerError(peer, address)
    this.#options.log.warn({ event: 'transport.stranger', id: peer, address, code, problem: message }, remedy)
  }

  #readPreamble({ tls }: SecureConnection): Promise<Buffer | 'closed'> {
    const { clock } = this.#options
    const late = (): Error => new LinkClosedError('peer_silent', 'nothing came after the handshake')
    return withDeadline({ clock, ms: openingTimeoutMs, late }, (signal) => readExactly(tls, preambleBytes, signal))
  }

  async #open(entry: PeerEntry, connection: SecureConnection): Promise<void> {
    const { protocol = protocolVersion } = this.#options
    const bytes = await this.#readPreamble(connection)
    if (bytes === 'closed') return
    const preamble = decodePreamble(bytes)
    // The far side learns our version from our preamble, and says the same as we do.
    if (preamble !== undefined && preamble.protocol !== protocol)
      connection.tls.end(encodePreamble({ kind: preamble.kind, protocol }))
    checkPreamble(bytes, entry.context.peer.name, protocol)
    if (preamble?.kind === 'control') return entry.receive(connection)
    // A peer that has lost its configuration, or whom a person has added by hand before.
    if (preamble?.kind === 'join') return await this.#joinAgain(connection)
    await this.#openStream(entry, connection)
  }

  async #joinAgain(connection: SecureConnection): Promise<void> {
    const { joining } = this.#options
    if (joining?.isExpecting()) await joining.receive(connection)
    else connection.tls.destroy()
  }

  async #openStream(entry: PeerEntry, connection: SecureConnection): Promise<void> {
    const { clock, protocol = protocolVersion, foldersFor, onStream } = this.#options
    const late = (): Error => new LinkClosedError('peer_silent', 'the header of a stream did not come')
    const header = await withDeadline({ clock, ms: openingTimeoutMs, late }, (signal) =>
      readStreamHeader(connection, signal),
    )
    const link = entry.link
    const carrier = link?.carrierFor(connection)
    // First of all: counters and limits are kept for every folder that a stream was taken for.
    const isShared = foldersFor(entry.context.peer.id).includes(header.folder)
    const taken = (): string | undefined =>
      carrier === undefined ? 'the link is down' : carrier.takeStream(connection)
    const refusal = isShared ? taken() : 'this folder is not shared'
    if (link === undefined || carrier === undefined || refusal !== undefined) {
      answerStream(connection, protocol, { ok: false, code: 'refused', message: refusal ?? '' })
      return
    }
    entry.context.traffic.track(connection.raw, { folder: header.folder })
    answerStream(connection, protocol, { ok: true })
    onStream(link, header, carrier.codecFor(connection, header.folder))
  }

  #logFailed(entry: PeerEntry, reason: SpansyncError): void {
    const { code, message, remedy } = reason
    const level = reason instanceof LinkClosedError ? 'debug' : 'info'
    this.#options.log[level](
      { event: 'transport.connection_failed', peer: entry.context.peer.name, code, problem: message },
      remedy,
    )
  }
}
