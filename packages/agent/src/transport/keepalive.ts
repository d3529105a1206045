/** How long an idle link stays silent: short enough for the usual NAT, long enough to cost next to nothing. */
const idleMs = 50_000
/** The side that was dialled asks only when the other has missed its turn. */
const passiveIdleMs = 80_000
const jitter = 0.1
/** Something was sent and not one byte has come back: ask, then give up. */
const askAfterMs = 10_000
const giveUpAfterMs = 20_000
/** With a stream still moving, the control channel may be stuck behind it in a slow modem's buffer. */
const giveUpBusyMs = 60_000
/** With other addresses to go over, a connection that has died without a word is not waited for as long. */
const idleImpatientMs = 20_000
const askImpatientMs = 4_000
const giveUpImpatientMs = 9_000

/** After the network has changed, and when a new connection of the peer asks whether this one still lives. */
const urgentMs = 5_000

export type KeepaliveAction = 'none' | 'ping' | 'close'

export interface KeepaliveOptions {
  readonly dialed: boolean
  readonly now: number
  readonly random: () => number
  /** There are other addresses that the link could go over. */
  readonly isImpatient?: (() => boolean) | undefined
}

/** Decides when to ask a peer whether it is there, and when it is not. Knows no clock: times are handed in, in ms. */
export class Keepalive {
  readonly #interval: number
  readonly #passive: boolean
  readonly #isImpatient: () => boolean
  #receivedAt: number
  #pingedAt: number
  #streamAt = Number.NEGATIVE_INFINITY
  #unansweredSince: number | undefined
  #asked = false
  #giveUpAt: number | undefined

  constructor({ dialed, now, random, isImpatient = () => false }: KeepaliveOptions) {
    this.#passive = !dialed
    this.#isImpatient = isImpatient
    this.#interval = (dialed ? idleMs : passiveIdleMs) * (1 + jitter * (2 * random() - 1))
    this.#receivedAt = now
    this.#pingedAt = now
  }

  received(now: number): void {
    this.#receivedAt = now
    this.#unansweredSince = undefined
    this.#giveUpAt = undefined
    this.#asked = false
  }

  /** Bytes on one of the link's streams: the peer lives, even if its control channel is slow. */
  streamMoved(now: number): void {
    this.#streamAt = now
  }

  /** Something left that the peer should react to. True when the next deadline has come nearer. */
  sent(now: number): boolean {
    if (this.#unansweredSince !== undefined) return false
    this.#unansweredSince = now
    return true
  }

  pinged(now: number): void {
    this.#pingedAt = now
    this.#asked = true
    this.sent(now)
  }

  /** An answer is wanted soon, or the link is given up. */
  hurry(now: number): void {
    const withinMs = now - this.#streamAt < giveUpAfterMs ? giveUpAfterMs : urgentMs
    this.#giveUpAt = Math.min(this.#giveUpAt ?? Number.POSITIVE_INFINITY, now + withinMs)
  }

  due(now: number): KeepaliveAction {
    if (this.#giveUpAt !== undefined && now >= this.#giveUpAt) return 'close'
    const since = this.#unansweredSince
    if (since !== undefined && now >= since + this.#patience(now)) return 'close'
    if (since !== undefined && !this.#asked && now >= since + this.#askAfter()) return 'ping'
    return since === undefined && now >= this.#nextPingAt() ? 'ping' : 'none'
  }

  /** How long until `due` may say something else. */
  waitMs(now: number): number {
    const since = this.#unansweredSince
    const times = since === undefined ? [this.#nextPingAt()] : [since + this.#patience(now)]
    if (since !== undefined && !this.#asked) times.push(since + this.#askAfter())
    if (this.#giveUpAt !== undefined) times.push(this.#giveUpAt)
    return Math.max(1, Math.min(...times) - now)
  }

  #nextPingAt(): number {
    const interval = this.#isImpatient() ? Math.min(this.#interval, idleImpatientMs) : this.#interval
    return (this.#passive ? Math.max(this.#receivedAt, this.#pingedAt) : this.#pingedAt) + interval
  }

  #askAfter(): number {
    return this.#isImpatient() ? askImpatientMs : askAfterMs
  }

  #patience(now: number): number {
    const isBusy = now - this.#streamAt < giveUpAfterMs
    if (this.#isImpatient()) return isBusy ? giveUpAfterMs : giveUpImpatientMs
    return isBusy ? giveUpBusyMs : giveUpAfterMs
  }
}
