import { messageOf, type SpansyncError, toSpansyncError } from '@spansync/common/runtime/errors'
import { arbitrate, type OwnDial } from './arbitrate.ts'
import { ControlLink } from './control-link.ts'
import { Dialer } from './dialer.ts'
import { LinkClosedError } from './errors.ts'
import { type Greeted, greetFirst, greetSecond } from './handshake.ts'
import { LinkHealth } from './health.ts'
import { hasLost } from './network-watch.ts'
import { createPeerContext, helloFor, type PeerContext, trainFeature } from './peer-context.ts'
import { dial, farEndOf, type SecureConnection } from './secure.ts'
import type { LinkStatus, Peer, TransportOptions } from './types.ts'

interface Candidate extends Greeted {
  readonly connection: SecureConnection
  readonly dialed: boolean
  readonly address: string
  readonly connectMs?: number
}

/** Everything about one peer: its link while there is one, and the dialling while there is none. */
export class PeerEntry {
  readonly context: PeerContext
  readonly health: LinkHealth
  readonly #transport: TransportOptions
  readonly #dialer: Dialer
  #link: ControlLink | undefined
  #ownDial: OwnDial = 'none'
  #dialAbort: AbortController | undefined
  #dialWaiters: (() => void)[] = []
  #removed: SpansyncError | undefined
  #badMessages = 0

  constructor(transport: TransportOptions, peer: Peer) {
    const { clock, random, log } = transport
    this.#transport = transport
    this.context = createPeerContext(transport, peer)
    this.health = new LinkHealth(clock, log)
    this.#dialer = new Dialer({
      clock,
      random,
      addresses: () => this.context.peer.addresses,
      isUp: () => this.#link !== undefined,
      attempt: (address) => this.#attempt(address),
      failed: (reason) => this.health.failed(this.#name, reason),
    })
  }

  get link(): ControlLink | undefined {
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
  }

  /** New addresses and limits; the link that is up stays. */
  update(peer: Peer): void {
    this.context.peer = peer
    this.context.up.setRate(peer.upBytesPerSecond)
    this.context.down.setRate(peer.downBytesPerSecond)
    this.context.folders.setRates(peer.folderRates)
    if (this.#link === undefined) this.poke()
  }

  /** `addresses` are this machine's own now: a link bound to one that is gone is dead. */
  poke(addresses?: ReadonlySet<string>): void {
    const link = this.#link
    if (link === undefined) {
      if (this.#ownDial === 'dialing') this.#dialAbort?.abort(new LinkClosedError('dropped', 'dialled anew'))
      this.#dialer.poke()
    } else if (addresses !== undefined && hasLost(addresses, link.localAddress))
      link.close(new LinkClosedError('connection_lost', 'this machine has lost the address of the connection'), false)
    else link.hurry()
  }

  remove(reason: SpansyncError): void {
    this.#removed = reason
    this.#dialer.stop()
    this.#dialAbort?.abort(reason)
    this.#link?.close(reason)
  }

  /** A control connection that the peer has dialled, after its preamble. */
  async receive(connection: SecureConnection): Promise<void> {
    const { clock, protocol, up, identity, peer } = this.context
    const greeted = await greetSecond({ connection, clock, protocol, name: peer.name, channel: { up } })
    const { channel } = greeted
    const address = farEndOf(connection.raw)
    while (channel.closed === undefined) {
      const sides = { self: identity.id, peer: peer.id }
      const verdict = arbitrate({ ...sides, existing: this.#link, ownDial: this.#ownDial })
      if (this.#removed !== undefined) channel.close(this.#removed)
      else if (verdict === 'wait') await this.#dialSettled()
      else if (verdict === 'probe') await this.#probe(channel)
      else return this.#adopt({ ...greeted, connection, dialed: false, address })
    }
  }

  status(): LinkStatus {
    const { peer, traffic, speed } = this.context
    const link = this.#link
    const { throughput } = speed
    const { sent, received } = traffic.total
    return {
      node: peer.id,
      name: peer.name,
      up: link !== undefined,
      dialed: link?.dialed,
      address: link?.address,
      since: this.health.since,
      rttMs: link?.rtt.ms,
      throughputBps: throughput?.bytesPerSecond,
      throughputProbed: throughput?.probed ?? false,
      measuring: link?.measuring ?? false,
      sentBytes: sent,
      receivedBytes: received,
      folders: traffic.byFolder,
      badMessages: this.#badMessages + (link?.badMessages ?? 0),
      openStreams: link?.openStreams ?? 0,
      lastError: this.health.lastError,
    }
  }

  async #attempt(address: string): Promise<void> {
    const abort = new AbortController()
    this.#dialAbort = abort
    this.#ownDial = 'dialing'
    try {
      const candidate = await this.#dial(address, abort.signal)
      if (this.#removed === undefined) this.#adopt(candidate)
      else candidate.channel.close(this.#removed)
    } finally {
      this.#dialAbort = undefined
      this.#ownDial = 'none'
      for (const wake of this.#dialWaiters.splice(0)) wake()
    }
  }

  async #dial(address: string, signal: AbortSignal): Promise<Candidate> {
    const { identity, clock, protocol, up, traffic, peer } = this.context
    const { id, name } = peer
    const onSocket = traffic.track.bind(traffic)
    const connection = await dial({ identity, clock, signal, target: { id, name, address }, onSocket })
    const onOffered = (): void => {
      this.#ownDial = 'offered'
    }
    const common = { connection, clock, protocol, name, signal, address, channel: { up } }
    const greeted = await greetFirst({
      ...common,
      hello: helloFor(this.#transport, this.context),
      ownId: identity.id,
      onOffered,
    })
    return { ...greeted, connection, dialed: true, address, connectMs: connection.connectMs }
  }

  #dialSettled(): Promise<void> {
    return new Promise((resolve) => this.#dialWaiters.push(resolve))
  }

  async #probe(newcomer: Candidate['channel']): Promise<void> {
    const { log, peer } = this.context
    log.debug(
      { event: 'link.doubted', peer: peer.name },
      'the peer has dialled although there is a link: does it live?',
    )
    const alive = await this.#link?.probe()
    log.debug({ event: 'link.probed', peer: peer.name, alive }, alive ? 'it does' : 'it does not')
    if (alive) newcomer.close(new LinkClosedError('duplicate', 'there is a link already'))
  }

  /** Makes a connection that both sides agree on the link, in place of an older one. */
  #adopt({ channel, hello, dialed, address, connection, connectMs }: Candidate): void {
    if (!dialed) {
      this.#dialAbort?.abort(new LinkClosedError('duplicate', 'the peer’s own connection has the right of way'))
      channel.send('message', Buffer.from(JSON.stringify(helloFor(this.#transport, this.context))))
    }
    this.#link?.close(new LinkClosedError('replaced', 'a newer connection of the same peer takes its place'))
    const { localAddress, remoteAddress } = connection.raw
    const { peer, speed } = this.context
    speed.usePath(`${localAddress} ${remoteAddress}`)
    const probes = dialed && peer.mayProbe === true && hello.features.includes(trainFeature) && speed.isNew
    const link = new ControlLink({
      ...{ context: this.context, channel, dialed, address, localAddress, connectMs, probes },
      onMessage: (from, message) => this.#tell(() => this.#transport.onMessage(from, message)),
      onDown: (from, reason) => this.#fell(from, reason),
      onMeasured: (from) => this.#tell(() => this.#transport.onMeasured?.(from)),
    })
    this.#link = link
    this.health.up(this.#name, { address, dialed })
    this.#tell(() => this.#transport.onLinkUp(link, hello))
    link.start()
  }

  #fell(link: ControlLink, reason: SpansyncError): void {
    this.#badMessages += link.badMessages
    if (this.#link === link) this.#link = undefined
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
