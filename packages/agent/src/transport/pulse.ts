import type { Clock } from '@spansync/common/ports'
import { Alarm } from './alarm.ts'
import type { ControlChannel } from './control-channel.ts'
import { decodePing, encodePing, type Frame } from './control-frame.ts'
import { LinkClosedError } from './errors.ts'
import { Keepalive } from './keepalive.ts'
import type { RoundTrip } from './measures.ts'

/** Data that comes without anything going back is acknowledged, so that its sender sees that we live. */
const aliveAfterBytes = 16 * 1024
const aliveEveryMs = 2_000
const stuckAfterMs = 60_000
/** How often a queue that does not drain is looked at. */
const stuckLookMs = 10_000

const stuck = (): LinkClosedError => new LinkClosedError('peer_too_slow', 'the peer has not read anything for 60 s')
const silent = (): LinkClosedError => new LinkClosedError('peer_silent', 'the peer does not answer any more')

export interface PulseOptions {
  readonly channel: ControlChannel
  readonly clock: Clock
  readonly random: () => number
  readonly dialed: boolean
  readonly rtt: RoundTrip
  /** As for Keepalive. */
  readonly isImpatient?: (() => boolean) | undefined
}

/** The heartbeat of one link: asks, answers, measures the round trip, and closes the channel when the peer is gone or does not read. */
export class Pulse {
  readonly #options: PulseOptions
  readonly #keepalive: Keepalive
  readonly #alarm: Alarm
  #sleepsUntil = 0
  #sequence = 0
  #ping: { readonly sequence: number; readonly sentAt: number } | undefined
  #sentAt = 0
  #receivedSinceSent = 0
  #drained = 0
  #stuckSince: number | undefined
  #listeners: ((alive: boolean) => void)[] = []

  constructor(options: PulseOptions) {
    const { clock, dialed, random, isImpatient } = options
    this.#options = options
    this.#alarm = new Alarm(clock)
    this.#keepalive = new Keepalive({ dialed, now: clock.now(), random, isImpatient })
  }

  /** Runs until the channel is closed and `stop` was called. */
  async run(): Promise<void> {
    const { channel, clock } = this.#options
    if (this.#options.dialed) this.#sendPing()
    while (channel.closed === undefined) {
      const wait = this.#waitMs()
      this.#sleepsUntil = clock.now() + wait
      await this.#alarm.wait(wait)
      if (channel.closed === undefined) this.#beat()
    }
  }

  stop(): void {
    this.#alarm.wake()
    this.#tellListeners(false)
  }

  /** Bytes came in on the control connection. */
  received(bytes: number): void {
    const now = this.#options.clock.now()
    this.#keepalive.received(now)
    this.#tellListeners(true)
    this.#receivedSinceSent += bytes
    if (this.#receivedSinceSent >= aliveAfterBytes && now - this.#sentAt >= aliveEveryMs) this.#answer('alive')
  }

  /** Bytes of any kind went out. */
  wrote(): void {
    this.#sentAt = this.#options.clock.now()
    this.#receivedSinceSent = 0
  }

  /** A message went out, to which the peer should react with at least a byte. */
  sent(): void {
    if (this.#keepalive.sent(this.#options.clock.now())) this.#reconsider()
  }

  streamMoved(): void {
    this.#keepalive.streamMoved(this.#options.clock.now())
  }

  /** Asks at once; the link is given up when nothing comes back within seconds. */
  hurry(): void {
    this.#keepalive.hurry(this.#options.clock.now())
    this.#sendPing()
    this.#reconsider()
  }

  /** True as soon as the peer shows life, false when the link is closed. */
  probe(): Promise<boolean> {
    if (this.#options.channel.closed !== undefined) return Promise.resolve(false)
    const answer = new Promise<boolean>((resolve) => this.#listeners.push(resolve))
    this.hurry()
    return answer
  }

  /** A ping, pong or alive frame. */
  handle(frame: Frame): void {
    if (frame.kind !== 'ping' && frame.kind !== 'pong') return
    const ping = decodePing(frame.payload)
    if (ping === undefined) return
    if (frame.kind === 'ping') {
      // The side that was dialled rarely asks itself, and takes the other's word.
      if (!this.#options.dialed && ping.rttMs !== undefined) this.#options.rtt.observe(ping.rttMs)
      this.#answer('pong', encodePing({ ...ping, rttMs: undefined }))
    } else if (this.#ping?.sequence === ping.sequence) {
      this.#options.rtt.observe(performance.now() - this.#ping.sentAt)
      this.#ping = undefined
    }
  }

  #answer(kind: 'pong' | 'alive', payload?: Buffer): void {
    this.#sentAt = this.#options.clock.now()
    this.#receivedSinceSent = 0
    this.#options.channel.send(kind, payload)
  }

  #sendPing(): void {
    const { channel, clock, rtt } = this.#options
    this.#sequence = (this.#sequence + 1) % 0x4000
    this.#ping = { sequence: this.#sequence, sentAt: performance.now() }
    this.#keepalive.pinged(clock.now())
    channel.send('ping', encodePing({ sequence: this.#sequence, rttMs: rtt.ms }))
  }

  #beat(): void {
    const { channel, clock } = this.#options
    const now = clock.now()
    const action = this.#keepalive.due(now)
    const reason = this.#isStuck(now) ? stuck() : action === 'close' ? silent() : undefined
    if (reason !== undefined) channel.close(reason, { tell: false })
    else if (action === 'ping') this.#sendPing()
  }

  #isStuck(now: number): boolean {
    const { channel } = this.#options
    const moved = channel.drained !== this.#drained || channel.queuedBytes === 0
    this.#drained = channel.drained
    if (moved) this.#stuckSince = undefined
    else this.#stuckSince ??= now
    return this.#stuckSince !== undefined && now - this.#stuckSince >= stuckAfterMs
  }

  #waitMs(): number {
    const wait = this.#keepalive.waitMs(this.#options.clock.now())
    return this.#options.channel.queuedBytes > 0 ? Math.min(wait, stuckLookMs) : wait
  }

  #reconsider(): void {
    if (this.#options.clock.now() + this.#waitMs() < this.#sleepsUntil) this.#alarm.wake()
  }

  #tellListeners(alive: boolean): void {
    const listeners = this.#listeners
    this.#listeners = []
    for (const listener of listeners) listener(alive)
  }
}
