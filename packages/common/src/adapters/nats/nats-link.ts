import { EventEmitter, once } from 'node:events'
import type { NatsConnection } from 'nats'
import { type SpansyncError, toSpansyncError } from '../../runtime/errors.ts'
import { Backoff } from './backoff.ts'
import { NatsAuthError, NatsCertificateError, NatsClosedError, NatsLostError } from './errors.ts'
import { type Answer, type Delivery, encodeMessage, tell, toDelivery } from './exchange.ts'
import { defaultTiming, type LinkTiming, type NatsLinkOptions } from './link-options.ts'
import { answers, type OpenConnection, openAny } from './open-connection.ts'
import { Refused } from './parse-message.ts'
import { Requests } from './requests.ts'
import { parseServerUrl } from './server-url.ts'
import { type Handler, Subscriptions } from './subscriptions.ts'

export interface LinkEvents {
  connected: []
  /** With the reason. Not told of tries that fail while it is not connected; see `problem`. */
  disconnected: [SpansyncError]
}

/** A connection to NATS that is kept up for ever: see NatsLink for what it promises. Throws NatsUrlError. Does nothing before `start`. */
export function createNatsLink(options: NatsLinkOptions): NatsLink {
  return new NatsLink(options)
}

/** Tries for ever to be connected, quietly. While it is not, nothing is kept to be sent later: whoever has something to say finds
 *  `connected` false and says it, as things are then, after the next `connected`. Subscriptions hold over all connections. */
export class NatsLink implements AsyncDisposable {
  readonly events = new EventEmitter<LinkEvents>()
  /** Received messages that were dropped. */
  readonly refused: Refused
  readonly #options: NatsLinkOptions
  readonly #timing: LinkTiming
  readonly #servers: ReturnType<typeof parseServerUrl>
  readonly #subscriptions: Subscriptions
  readonly #requests: Requests
  readonly #stop = new AbortController()
  #running: Promise<void> | undefined
  #open: OpenConnection | undefined
  #problem: SpansyncError | undefined
  #wake = new AbortController()

  constructor(options: NatsLinkOptions) {
    this.#options = options
    this.#timing = { ...defaultTiming, ...options.timing }
    this.#servers = parseServerUrl(options.url)
    this.refused = new Refused(options)
    this.#requests = new Requests({ ...options, probeMs: this.#timing.probeMs })
    this.#subscriptions = new Subscriptions({ ...options, refused: this.refused })
  }

  get connected(): boolean {
    return this.#open !== undefined
  }

  /** Why it is not connected. Undefined while it is, and until the first try has failed. */
  get problem(): SpansyncError | undefined {
    return this.#problem
  }

  /** For JetStream. A new one after each `connected`; undefined when there is none. */
  get connection(): NatsConnection | undefined {
    return this.#open?.nats
  }

  /** Of the connection that is open now, with TLS and without TCP's own part. */
  get wireBytes(): { readonly sent: number; readonly received: number } {
    return this.#open?.transport.wireBytes ?? { sent: 0, received: 0 }
  }

  start(): void {
    this.#running ??= this.#run(this.#stop.signal)
  }

  /** At once when it is. Rejects with the signal's reason. */
  async whenConnected(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    if (this.connected) return
    await once(this.events, 'connected', signal === undefined ? {} : { signal }).catch((error: unknown) => {
      throw signal?.reason ?? error
    })
  }

  /** Tries now, or right after the try that is under way: the network has changed, or a person wants it. */
  nudge(): void {
    if (this.connected) return
    this.#wake.abort()
  }

  /** Of this end of the connection that is open now. */
  get localAddress(): string | undefined {
    return this.#open?.transport.localAddress
  }

  /** Ends the connection that is open now: this side knows that it is dead. It is tried again. */
  async drop(why: string): Promise<void> {
    const open = this.#open
    await open?.transport.close(new NatsLostError(open.server, new Error(why)))
  }

  /** Sends the payload as JSON and waits for the answer. Rejects only with the signal's reason. */
  request(
    subject: string,
    payload: unknown,
    { timeoutMs }: { timeoutMs: number },
    signal?: AbortSignal,
  ): Promise<Answer> {
    return this.#requests.ask(this.#open, { subject, timeoutMs, payload }, signal)
  }

  /** Into JetStream, which stores a message of one id once. Rejects only with the signal's reason. */
  async publishReport(
    subject: string,
    payload: unknown,
    { messageId, timeoutMs }: { messageId: string; timeoutMs: number },
    signal?: AbortSignal,
  ): Promise<Delivery> {
    return toDelivery(await this.#requests.ask(this.#open, { subject, timeoutMs, messageId, payload }, signal))
  }

  /** To whoever listens now; nobody confirms it. False when it was not sent. */
  publish(subject: string, payload: unknown): boolean {
    const data = encodeMessage(payload)
    if (this.#open === undefined || data === undefined || this.#requests.isFull(this.#open)) return false
    return tell(this.#open, subject, data)
  }

  /** Until disposed. Bounded by what arrives: the handler runs as each message does. */
  subscribe(subject: string, handler: Handler): Disposable {
    return this.#subscriptions.add(subject, handler)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { clock } = this.#options
    if (this.#open !== undefined) await answers(this.#open.nats, clock, this.#timing.farewellMs)
    this.#stop.abort(new NatsClosedError())
    await this.#running
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock, random = Math.random } = this.#options
    const backoff = new Backoff(this.#timing, random)
    let refusals = 0
    while (!signal.aborted) {
      const { reason, lastedMs } = await this.#once(signal)
      if (signal.aborted) return
      if (lastedMs >= this.#timing.goodAfterMs) backoff.reset()
      const isHopeless = reason instanceof NatsAuthError || reason instanceof NatsCertificateError
      refusals = isHopeless ? refusals + 1 : 0
      const wakers = AbortSignal.any([signal, this.#wake.signal])
      await clock.sleep(backoff.next(this.#pauseAfter(refusals)), wakers).catch(() => undefined)
      if (!this.#wake.signal.aborted) continue
      this.#wake = new AbortController()
      backoff.reset()
    }
  }

  #pauseAfter(refusals: number): number {
    const { hopelessMs, hopelessAtFirstMs } = this.#timing
    return refusals === 0 ? 0 : Math.min(hopelessMs, hopelessAtFirstMs * 2 ** (refusals - 1))
  }

  /** From dialling to the end of that connection. */
  async #once(signal: AbortSignal): Promise<{ reason: SpansyncError; lastedMs: number }> {
    const { credentials, clock } = this.#options
    const { openTimeoutMs } = this.#timing
    let open: OpenConnection
    try {
      open = await openAny(this.#servers, { credentials, openTimeoutMs, signal })
    } catch (error) {
      const reason = toSpansyncError(error)
      this.#tell(reason)
      return { reason, lastedMs: 0 }
    }
    const openedAt = clock.now()
    this.#begin(open)
    const reason = await open.ended
    this.#end(reason)
    return { reason, lastedMs: clock.now() - openedAt }
  }

  #begin(open: OpenConnection): void {
    this.#open = open
    this.#wake = new AbortController()
    this.#problem = undefined
    this.#subscriptions.begin(open)
    this.#options.log.info({ event: 'nats.connected', server: open.server }, `connected to NATS at ${open.server}`)
    this.#emit(() => this.events.emit('connected'))
  }

  #end(reason: SpansyncError): void {
    this.#open = undefined
    this.#subscriptions.end()
    this.#tell(reason)
    this.#emit(() => this.events.emit('disconnected', reason))
  }

  /** A listener's fault must not cost the connection. */
  #emit(emit: () => void): void {
    try {
      emit()
    } catch (error) {
      this.#options.log.error({ event: 'nats.listener_failed', err: error }, 'this is a fault in spansync: report it')
    }
  }

  /** The same problem again and again is told of once. */
  #tell(reason: SpansyncError): void {
    const isNew = this.#problem?.code !== reason.code
    this.#problem = reason
    if (this.#stop.signal.aborted) return
    this.#options.log[isNew ? 'warn' : 'debug'](
      { event: 'nats.disconnected', code: reason.code, err: reason },
      reason.remedy,
    )
  }
}
