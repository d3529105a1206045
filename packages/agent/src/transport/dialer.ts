import type { Clock } from '@spansync/common/ports'
import { type SpansyncError, toSpansyncError } from '@spansync/common/runtime/errors'
import { Alarm } from './alarm.ts'
import { Backoff } from './backoff.ts'

/** A link that lasted this long was a good one: the next try comes soon. */
const steadyMs = 10_000
/** Nothing to do until somebody wakes us. */
const restMs = 24 * 3_600_000

/** An address that has not answered by then is not waited for: the next one is tried beside it. */
const staggerMs = 1_500

/** The try was ended from this side, for something better. */
export const ownReasons: ReadonlySet<string> = new Set(['dropped', 'duplicate'])

export interface DialerHooks {
  readonly clock: Clock
  readonly random: () => number
  /** Where to dial, best first; empty when this peer dials us. */
  readonly addresses: () => readonly string[]
  /** Below 0: the first costs less, and comes first whatever worked last. */
  readonly compare?: (one: string, other: string) => number
  readonly isUp: () => boolean
  /** Resolves when the link is up, rejects with the reason why not. Several may be under way. */
  readonly attempt: (address: string) => Promise<void>
  /** Every address was tried in vain; the most telling reason. */
  readonly failed: (reason: SpansyncError) => void
}

/** Keeps trying to bring one link up, whenever it is down. */
export class Dialer {
  readonly #hooks: DialerHooks
  readonly #alarm: Alarm
  readonly #backoff: Backoff
  #lastGood: string | undefined
  #pause = false
  #stopped = false

  constructor(hooks: DialerHooks) {
    this.#hooks = hooks
    this.#alarm = new Alarm(hooks.clock)
    this.#backoff = new Backoff(hooks.random)
  }

  async run(): Promise<void> {
    while (!this.#stopped) {
      if (this.#resting()) await this.#alarm.wait(restMs)
      else if (this.#pause) await this.#wait()
      else await this.#tryAddresses()
    }
  }

  stop(): void {
    this.#stopped = true
    this.#alarm.wake()
  }

  /** Now, and from the shortest delay again. */
  poke(): void {
    this.#backoff.reset()
    this.#pause = false
    this.#alarm.wake()
  }

  /** A link that soon falls again is not dialled in a tight circle. */
  linkFell(livedMs: number): void {
    if (livedMs >= steadyMs) this.#backoff.reset()
    this.#pause = true
    this.#alarm.wake()
  }

  /** The link goes over this address now. */
  worked(address: string): void {
    this.#lastGood = address
  }

  #resting(): boolean {
    return this.#hooks.isUp() || this.#hooks.addresses().length === 0
  }

  async #wait(): Promise<void> {
    this.#pause = false
    await this.#alarm.wait(this.#backoff.next())
  }

  async #tryAddresses(): Promise<void> {
    const reasons: SpansyncError[] = []
    this.#pause = true
    const tries: Promise<void>[] = []
    for (const address of this.#inTurn()) {
      if (this.#stopped || this.#resting()) break
      const attempt = this.#try(address, reasons)
      tries.push(attempt)
      await this.#orLater(attempt)
    }
    await Promise.all(tries)
    // Being told that nobody is home at one address says less than being turned away at another.
    const telling = reasons.find((reason) => reason.code !== 'unreachable') ?? reasons[0]
    if (telling !== undefined && !this.#stopped && !this.#hooks.isUp()) this.#hooks.failed(telling)
  }

  async #try(address: string, reasons: SpansyncError[]): Promise<void> {
    try {
      await this.#hooks.attempt(address)
      this.#lastGood = address
    } catch (error) {
      const reason = toSpansyncError(error)
      if (!ownReasons.has(reason.code)) reasons.push(reason)
    }
  }

  async #orLater(attempt: Promise<void>): Promise<void> {
    const enough = new AbortController()
    const late = this.#hooks.clock.sleep(staggerMs, enough.signal).catch(() => undefined)
    await Promise.race([attempt, late])
    enough.abort()
  }

  /** Of those that cost the same, the address that worked last comes first. */
  #inTurn(): readonly string[] {
    const addresses = this.#hooks.addresses()
    const good = this.#lastGood
    if (good === undefined || !addresses.includes(good)) return addresses
    const { compare = () => 0 } = this.#hooks
    return [good, ...addresses.filter((address) => address !== good)].sort(compare)
  }
}
