import { messageOf, type SpansyncError, toSpansyncError } from '@spansync/common/runtime/errors'
import { AddressBook } from './address-book.ts'
import { mayProbe } from './address-cost.ts'
import { arbitrate } from './arbitrate.ts'
import { ControlLink } from './control-link.ts'
import { Dialer, ownReasons } from './dialer.ts'
import { LinkClosedError } from './errors.ts'
import { greetSecond, type Hello } from './handshake.ts'
import { LinkHealth } from './health.ts'
import type { PathSpeed } from './link-speed.ts'
import { RoundTrip } from './measures.ts'
import { hasLost } from './network-watch.ts'
import { type Candidate, OwnDials } from './own-dials.ts'
import { createPeerContext, helloFor, type PeerContext, trainFeature, trialFeature } from './peer-context.ts'
import { PeerLink } from './peer-link.ts'
import { Scout } from './scout.ts'
import { farEndOf, nameOfConnection, type SecureConnection } from './secure.ts'
import { Trials } from './trials.ts'
import type { LinkStatus, Peer, TransportOptions } from './types.ts'

/** Everything about one peer: its link while there is one, the dialling while there is none, and the look for a better address. */
export class PeerEntry {
  readonly context: PeerContext
  readonly health: LinkHealth
  readonly #transport: TransportOptions
  readonly #dialer: Dialer
  readonly #dials: OwnDials
  readonly #scout: Scout
  readonly #book: AddressBook
  readonly #trials: Trials
  #link: PeerLink | undefined
  #lastSpeed: PathSpeed | undefined
  #doesPeerTry = false
  #removed: SpansyncError | undefined
  #badMessages = 0

  constructor(transport: TransportOptions, peer: Peer) {
    const { clock, random, log } = transport
    this.#transport = transport
    this.context = createPeerContext(transport, peer)
    this.health = new LinkHealth(clock, log, (news) =>
      this.#tell(() => transport.onHistory?.({ peer: peer.id, name: this.#name, ...news })),
    )
    this.#book = new AddressBook(() => this.context.peer)
    this.#dials = new OwnDials(transport, this.context)
    this.#dialer = new Dialer({
      clock,
      random,
      addresses: () => this.#book.byCost,
      compare: (one, other) => this.#book.compare(one, other),
      isUp: () => this.#link !== undefined,
      attempt: (address) => this.#attempt(address),
      failed: (reason) => this.health.failed(this.#name, reason),
    })
    this.#trials = new Trials({
      log,
      name: () => this.#name,
      book: this.#book,
      link: () => this.#link,
      clock,
      isThere: (address) => this.#dialer.worked(address),
      moved: (link, carrier) => this.#moved(link, carrier),
    })
    this.#scout = new Scout({
      clock,
      candidates: () => this.#candidates(),
      attempt: (address) => this.#tryBeside(address),
    })
  }

  get link(): PeerLink | undefined {
    return this.#link
  }

  /** The link is down, and this machine tries to bring it up. */
  get isDialling(): boolean {
    return this.#link === undefined && this.context.peer.addresses.length > 0
  }

  get #name(): string {
    return this.context.peer.name
  }

  start(): void {
    void this.#dialer.run()
    void this.#scout.run()
  }

  /** New addresses and limits; the link that is up stays. */
  update(peer: Peer): void {
    this.context.peer = peer
    this.context.up.setRate(peer.upBytesPerSecond)
    this.context.down.setRate(peer.downBytesPerSecond)
    this.context.folders.setRates(peer.folderRates)
    if (this.#link === undefined) this.poke()
    else this.#scout.news()
  }

  /** Where else the peer may be. When that is news, it may have moved there. */
  setFound(addresses: readonly string[]): void {
    if (!this.#book.setFound(addresses)) return
    this.#link?.hurry()
    if (this.#link === undefined) this.poke()
    else this.#scout.news()
  }

  /** `addresses` are this machine's own now: a link bound to one that is gone is dead. */
  poke(addresses?: ReadonlySet<string>): void {
    const link = this.#link
    if (link === undefined) {
      this.#dials.abort(new LinkClosedError('dropped', 'dialled anew'), { offered: false })
      this.#dialer.poke()
    } else if (addresses !== undefined && hasLost(addresses, link.localAddress))
      link.close(new LinkClosedError('connection_lost', 'this machine has lost the address of the connection'), false)
    else {
      link.hurry()
      if (addresses !== undefined) this.#scout.news()
    }
  }

  remove(reason: SpansyncError): void {
    this.#removed = reason
    this.#dialer.stop()
    this.#scout.stop()
    this.#dials.abort(reason)
    this.#trials.end(reason)
    this.#link?.close(reason)
  }

  /** A control connection that the peer has dialled, after its preamble. */
  async receive(connection: SecureConnection): Promise<void> {
    const { clock, protocol, up, identity, peer } = this.context
    const greeted = await greetSecond({ connection, clock, protocol, name: peer.name, channel: { up } })
    const { channel, hello } = greeted
    const candidate = { ...greeted, connection, dialed: false, address: farEndOf(connection.raw) }
    while (channel.closed === undefined) {
      if (hello.trial && this.#link?.dialed === false && this.#removed === undefined) return this.#bear(candidate)
      const sides = { self: identity.id, peer: peer.id }
      const verdict = arbitrate({ ...sides, existing: this.#link, ownDial: this.#dials.state })
      if (this.#removed !== undefined) channel.close(this.#removed)
      else if (hello.lost !== undefined && hello.lost === this.#link?.carrier.id) return this.#adopt(candidate)
      else if (verdict === 'wait') await this.#dials.settled()
      else if (verdict === 'probe') await this.#probe(channel)
      else return this.#adopt(candidate)
    }
  }

  status(): LinkStatus {
    const { peer, traffic } = this.context
    const link = this.#link
    const throughput = link?.carrier.speed.throughput ?? this.#lastSpeed?.throughput
    const { sent, received } = traffic.total
    return {
      node: peer.id,
      name: peer.name,
      up: link !== undefined,
      dialed: link?.dialed,
      address: link?.address,
      since: this.health.since,
      rttMs: link?.carrier.rtt.ms,
      throughputBps: throughput?.bytesPerSecond,
      throughputProbed: throughput?.probed ?? false,
      measuring: link?.carrier.measuring ?? false,
      sentBytes: sent,
      receivedBytes: received,
      bytesByAddress: traffic.byAddress,
      folders: traffic.byFolder,
      badMessages: this.#badMessages + (link?.badMessages ?? 0),
      openStreams: link?.openStreams ?? 0,
      addresses: this.#book.status(link?.address),
      lastError: this.health.lastError,
    }
  }

  async #attempt(address: string): Promise<void> {
    try {
      await this.#dials.run(address, (candidate) => {
        if (this.#removed !== undefined) candidate.channel.close(this.#removed)
        else this.#adopt(candidate)
      })
    } catch (error) {
      this.#noteFailed(address, error)
      throw error
    }
  }

  #noteFailed(address: string, error: unknown): void {
    const reason = toSpansyncError(error)
    if (!ownReasons.has(reason.code)) this.#book.failed(address, reason)
  }

  /** Only the side that dialled moves a link. */
  #candidates(): readonly string[] {
    const link = this.#link
    if (link === undefined || !link.dialed || !this.#doesPeerTry || link.isMoving) return []
    return this.#book.besides(link.address)
  }

  async #tryBeside(address: string): Promise<'moved' | 'kept'> {
    try {
      const candidate = await this.#dials.trial(address)
      const { channel, hello } = candidate
      if (this.#removed !== undefined) channel.close(this.#removed)
      // The peer knows of no link: for it this one is new.
      else if (!hello.trial) this.#adopt(candidate)
      else return await this.#trials.weigh(this.#carrierOf(candidate))
      return 'moved'
    } catch (error) {
      this.#noteFailed(address, error)
      throw error
    }
  }

  #bear(candidate: Candidate): void {
    if (this.#trials.isFull) return candidate.channel.close(duplicate())
    this.#sayHello(candidate, { trial: true })
    this.#trials.bear(this.#carrierOf(candidate))
  }

  #moved(link: PeerLink, carrier: ControlLink): void {
    this.#lastSpeed = carrier.speed
    if (carrier.dialed) this.#dialer.worked(carrier.address)
    this.health.moved(this.#name, carrier.address)
    this.#tell(() => this.#transport.onLinkMoved?.(link))
  }

  async #probe(newcomer: Candidate['channel']): Promise<void> {
    const { log, peer } = this.context
    log.debug(
      { event: 'link.doubted', peer: peer.name },
      'the peer has dialled although there is a link: does it live?',
    )
    const alive = await this.#link?.probe()
    log.debug({ event: 'link.probed', peer: peer.name, alive }, alive ? 'it does' : 'it does not')
    if (alive) newcomer.close(duplicate())
  }

  /** Makes a connection that both sides agree on the link, in place of an older one. */
  #adopt(candidate: Candidate): void {
    const { hello, dialed, address } = candidate
    this.#dials.abort(new LinkClosedError('duplicate', 'another connection has the right of way'))
    if (!dialed) this.#sayHello(candidate, {})
    this.#link?.close(new LinkClosedError('replaced', 'a newer connection of the same peer takes its place'))
    this.#trials.end(duplicate())
    const carrier = this.#carrierOf(candidate)
    const link = new PeerLink(carrier, {
      onMessage: (from, message) => this.#tell(() => this.#transport.onMessage(from, message)),
      onDown: (from, reason) => this.#fell(from, reason),
      onLeft: (from, { address: left }) => {
        if (from === this.#link && from.dialed) this.#scout.left(left)
      },
    })
    this.#link = link
    this.#lastSpeed = carrier.speed
    this.#doesPeerTry = hello.features.includes(trialFeature)
    this.health.up(this.#name, { address, dialed })
    this.#tell(() => this.#transport.onLinkUp(link, hello))
    carrier.start()
    this.#scout.linkUp()
  }

  #sayHello({ channel, address }: Candidate, { trial = false }: { trial?: boolean }): void {
    const hello: Hello = helloFor(this.#transport, this.context, { address, trial })
    channel.send('message', Buffer.from(JSON.stringify(hello)))
  }

  #carrierOf({ channel, hello, dialed, address, connection, connectMs }: Candidate): ControlLink {
    const { localAddress, remoteAddress } = connection.raw
    const { peer, speeds } = this.context
    const rtt = new RoundTrip()
    if (connectMs !== undefined) rtt.observe(connectMs)
    const speed = speeds.of(`${localAddress} ${remoteAddress}`)
    if (dialed) this.#book.measured(address, { rtt, speed })
    const probes = dialed && mayProbe(peer, address) && hello.features.includes(trainFeature) && speed.isNew
    return new ControlLink({
      id: nameOfConnection(connection),
      ...{ context: this.context, channel, dialed, address, localAddress, remoteAddress, rtt, speed, probes },
      onMessage: (from, message, bytes) => this.#link?.received(from, message, bytes),
      onDown: (from, reason) => {
        if (!this.#trials.fell(from)) this.#link?.fell(from, reason)
      },
      hasAlternative: () => this.#book.all.length > 1,
      onTake: (from) => this.#trials.taken(from),
      onMoved: (from) => this.#link?.peerMoved(from),
      onMeasured: () => {
        const link = this.#link
        if (link !== undefined) this.#tell(() => this.#transport.onMeasured?.(link))
      },
    })
  }

  #fell(link: PeerLink, reason: SpansyncError): void {
    this.#badMessages += link.badMessages
    if (this.#link === link) this.#link = undefined
    this.context.lost = link.carrier.id
    this.#trials.end(reason)
    this.#dialer.linkFell(this.health.down(this.#name, reason))
    this.#tell(() => this.#transport.onLinkDown(link, reason))
  }

  #tell(call: () => void): void {
    try {
      call()
    } catch (error) {
      const err = toSpansyncError(error)
      this.context.log.error({ event: 'transport.callback_failed', peer: this.#name, err }, messageOf(error))
    }
  }
}

function duplicate(): LinkClosedError {
  return new LinkClosedError('duplicate', 'there is a link already')
}
