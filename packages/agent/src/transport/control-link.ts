import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import type { FolderId, NodeId } from '@spansync/common/core/causal/types'
import type { Link } from '@spansync/common/ports'
import { type Message, messageSchema, type StreamHeader } from '@spansync/common/protocol/messages'
import type { SpansyncError } from '@spansync/common/runtime/errors'
import type { ControlChannel } from './control-channel.ts'
import { type Frame, maxFrameBytes } from './control-frame.ts'
import { LinkClosedError, MessageTooBigError, StreamRefusedError } from './errors.ts'
import { within } from './folder-limits.ts'
import { parseBye, parseJson } from './handshake.ts'
import { RoundTrip } from './measures.ts'
import { openStream, streamCodec } from './open-stream.ts'
import type { PeerContext } from './peer-context.ts'
import { Pulse } from './pulse.ts'
import type { SecureConnection } from './secure.ts'
import { TrainProbe } from './train-probe.ts'

/** A peer that does not read may hold this much of our memory. */
const maxQueuedBytes = 64 * 1024 * 1024
const maxStreams = 64
/** Every bad message is counted; only these are logged in full. */
const loggedBadMessages = 5

export interface ControlLinkOptions {
  readonly context: PeerContext
  readonly channel: ControlChannel
  readonly dialed: boolean
  /** Far end, as dialled or as seen. */
  readonly address: string
  readonly localAddress: string | undefined
  /** A first measure of the round trip: how long TCP took to connect. */
  readonly connectMs?: number | undefined
  readonly onMessage: (link: ControlLink, message: Message) => void
  readonly onDown: (link: ControlLink, reason: SpansyncError) => void
  /** Whether trains may be sent to find out how fast it is. */
  readonly probes?: boolean
  readonly onMeasured?: (link: ControlLink) => void
}

/** One link that is up: the control channel and the streams that live and die with it. */
export class ControlLink implements Link {
  readonly peer: NodeId
  readonly name: string
  readonly dialed: boolean
  readonly address: string
  readonly localAddress: string | undefined
  readonly rtt = new RoundTrip()
  readonly #options: ControlLinkOptions
  readonly #pulse: Pulse
  readonly #train: TrainProbe
  readonly #streams = new Set<TLSSocket>()
  readonly #down = new AbortController()
  #badMessages = 0

  constructor(options: ControlLinkOptions) {
    const { context, channel, dialed } = options
    this.#options = options
    this.peer = context.peer.id
    this.name = context.peer.name
    this.dialed = dialed
    this.address = options.address
    this.localAddress = options.localAddress
    if (options.connectMs !== undefined) this.rtt.observe(options.connectMs)
    this.#pulse = new Pulse({ channel, dialed, rtt: this.rtt, clock: context.clock, random: context.random })
    this.#train = new TrainProbe({ channel, clock: context.clock, onMeasured: (rate) => this.#measured(rate) })
  }

  get measuring(): boolean {
    return this.#train.running
  }

  get badMessages(): number {
    return this.#badMessages
  }

  get openStreams(): number {
    return this.#streams.size
  }

  /** Starts the heartbeat and hands on what the peer sends. */
  start(): void {
    const { channel } = this.#options
    channel.onReceived = (bytes) => {
      this.#train.received()
      this.#pulse.received(bytes)
    }
    channel.onSent = () => this.#pulse.wrote()
    channel.onClose = (reason) => this.#closed(reason)
    if (channel.closed !== undefined) {
      this.#closed(channel.closed)
      return
    }
    void this.#pulse.run()
    channel.deliverTo((frame) => this.#handle(frame))
    if (this.#options.probes) this.#probeSpeed()
  }

  #probeSpeed(): void {
    this.#options.context.speed.tried()
    this.#train.start()
  }

  #measured(bytesPerSecond: number | undefined): void {
    const { context, onMeasured } = this.#options
    context.speed.probed(bytesPerSecond)
    context.log.debug({ event: 'link.measured', peer: this.name, bytesPerSecond }, 'from the trains sent at its start')
    onMeasured?.(this)
  }

  send(message: Message): void {
    const { channel } = this.#options
    if (channel.closed !== undefined) return
    const payload = Buffer.from(JSON.stringify(message))
    if (payload.length > maxFrameBytes) throw new MessageTooBigError(message.type, payload.length, maxFrameBytes)
    channel.send('message', payload)
    this.#pulse.sent()
    if (channel.queuedBytes > maxQueuedBytes)
      this.close(new LinkClosedError('peer_too_slow', 'more than 64 MiB wait for the peer to read them'), false)
  }

  async openStream(header: StreamHeader, signal?: AbortSignal): Promise<Duplex> {
    if (!this.dialed) throw new StreamRefusedError('not_dialer', `only ${this.name}, which dialled, can open streams`)
    const { identity, clock, protocol, traffic, peer } = this.#options.context
    const connection = await openStream({
      identity,
      clock,
      protocol,
      header,
      target: { id: peer.id, name: peer.name, address: this.address },
      signal: signal === undefined ? this.#down.signal : AbortSignal.any([signal, this.#down.signal]),
      onSocket: (socket) => traffic.track(socket, header.folder),
    })
    const refusal = this.#hold(connection)
    if (refusal === undefined) return this.codecFor(connection, header.folder)
    connection.tls.destroy()
    throw new StreamRefusedError('refused', refusal)
  }

  /** Ties a stream that the peer opens to this link, or says why not. */
  takeStream(connection: SecureConnection): string | undefined {
    return this.dialed ? `${this.name} did not dial this link` : this.#hold(connection)
  }

  #hold({ tls }: SecureConnection): string | undefined {
    if (this.#down.signal.aborted) return 'the link is down'
    if (this.#streams.size >= maxStreams) return `more than ${maxStreams} streams`
    this.#streams.add(tls)
    tls.once('close', () => this.#streams.delete(tls))
    return undefined
  }

  codecFor(connection: SecureConnection, folder: FolderId): Duplex {
    const { up, down, folders, speed, clock } = this.#options.context
    const own = folders.of(folder)
    return streamCodec(connection, {
      up: within(own.up, up),
      down: within(own.down, down),
      onSent: (bytes) => speed.moved('up', bytes, clock.now()),
      onWaited: (ms) => speed.waited(ms),
      onReceived: (bytes) => {
        speed.moved('down', bytes, clock.now())
        this.#pulse.streamMoved()
      },
    })
  }

  drop(reason: string): void {
    this.close(new LinkClosedError('dropped', reason))
  }

  close(reason: SpansyncError, tell = true): void {
    this.#options.channel.close(reason, { tell })
  }

  /** Asks whether the peer still lives; the link is closed when it does not. */
  probe(): Promise<boolean> {
    return this.#pulse.probe()
  }

  hurry(): void {
    this.#pulse.hurry()
  }

  #handle(frame: Frame): void {
    switch (frame.kind) {
      case 'message':
        this.#handleMessage(frame.payload)
        break
      case 'bye':
        this.close(parseBye(frame.payload), false)
        break
      case 'train':
      case 'filler':
      case 'train_seen':
        this.#train.handle(frame)
        break
      default:
        this.#pulse.handle(frame)
    }
  }

  #handleMessage(payload: Buffer): void {
    const parsed = parseJson(payload)
    const message = messageSchema.safeParse(parsed)
    if (message.success && message.data.type !== 'hello') {
      this.#options.onMessage(this, message.data)
      return
    }
    const problem = message.error?.issues[0]?.message ?? 'a second hello'
    this.#countBad(payload.length, problem)
    // What comes after one of these counts on it: a gap must not look like an exchange that is complete.
    if (isOfExchange(parsed)) this.drop(`a message of the exchange did not fit: ${problem}`)
  }

  #countBad(bytes: number, problem: string): void {
    this.#badMessages += 1
    if (this.#badMessages > loggedBadMessages) return
    this.#options.context.log.warn(
      { event: 'link.bad_message', peer: this.name, bytes, problem },
      'the message was dropped; when this repeats, update spansync on both machines',
    )
  }

  #closed(reason: SpansyncError): void {
    if (this.#down.signal.aborted) return
    this.#down.abort(reason)
    this.#pulse.stop()
    this.#train.stop()
    for (const stream of this.#streams) stream.destroy()
    this.#options.onDown(this, reason)
  }
}

function isOfExchange(message: unknown): boolean {
  const type = typeof message === 'object' && message !== null && 'type' in message ? message.type : undefined
  return type === 'entries' || type === 'summary' || type === 'resend'
}
