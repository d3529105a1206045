import type { Clock } from '@spansync/common/ports'
import { toSpansyncError } from '@spansync/common/runtime/errors'
import { type Logger, silentLogger } from '@spansync/common/runtime/logger'
import { type LeadTime, startLeadTime } from './lead-time.ts'
import type { Acquisition, Epoch, LeaseStore } from './store.ts'
import { type Outcome, timed } from './timed.ts'

/** - `taken`: the store says that the lease has run out or is another's
 *  - `expired`: it could not be renewed in time, so that another may have it any moment
 *  - `stopped`: this keeper was told to stop */
export type LostReason = 'taken' | 'expired' | 'stopped'

export interface LeaseKeeperOptions {
  readonly lease: LeaseStore
  readonly clock: Clock
  /** Unique to this process. */
  readonly holder: string
  /** Default 6000: another leads within ttl + 1 s after a leader's death, and two renewals may fail without harm. */
  readonly ttlMs?: number
  /** Both return quickly; what they throw ends `run`. */
  readonly onLead: (epoch: Epoch) => void
  readonly onLost: (reason: LostReason) => void
  readonly log?: Logger
}

interface Term {
  readonly epoch: Epoch
  /** Replaced with every renewal. */
  time: LeadTime
}

const defaultTtlMs = 6000
/** How often a follower asks: this is what a takeover may take beyond the ttl. */
const askEveryMs = 900
/** Before the next attempt after a failed one. */
const retryMs = 300
/** Of the ttl, given up at the end: our clock and the store's may run at different speeds, and to stop takes a moment too. */
const safetyShare = 0.1

/** Leads whenever it may. Asks for the lease, renews it every third of its time, and stops leading by itself before the lease could have
 *  passed to another: its time counts from before the request was sent that got or renewed it. */
export class LeaseKeeper {
  readonly #options: LeaseKeeperOptions
  readonly #ttlMs: number
  readonly #log: Logger
  #term: Term | undefined
  #lastProblem: string | undefined

  constructor(options: LeaseKeeperOptions) {
    this.#options = options
    this.#ttlMs = options.ttlMs ?? defaultTtlMs
    this.#log = options.log ?? silentLogger
  }

  /** While leading. Looks at the clock each time, since a machine that wakes from sleep asks before `onLost` could be told. */
  get epoch(): Epoch | undefined {
    return this.#term !== undefined && !this.#term.time.isOver ? this.#term.epoch : undefined
  }

  /** Until aborted; then leading has ended and the lease is released. Trouble with the store is logged and tried again for ever. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const term = await this.#acquire(signal)
      if (term !== undefined) await this.#lead(term, signal)
    }
  }

  /** A term, or undefined after having waited for as long as there is no point in asking again. */
  async #acquire(signal: AbortSignal): Promise<Term | undefined> {
    const { lease, holder } = this.#options
    const time = this.#startTime()
    const answer = await this.#ask(this.#ttlMs / 3, signal, (limit) => lease.acquire(holder, this.#ttlMs, limit))
    // Answered too late is worth nothing. Asked again at once, the holder gets a new epoch.
    const acquired = answer.status === 'done' && answer.value.status === 'acquired'
    if (acquired && !time.isOver) return { epoch: answer.value.epoch, time }
    time[Symbol.dispose]()
    if (!acquired) await this.#pause(answer.status === 'done' ? followerPause(answer.value) : retryMs, signal)
    return undefined
  }

  async #lead(term: Term, signal: AbortSignal): Promise<void> {
    const { onLead, onLost } = this.#options
    this.#term = term
    let reason: LostReason = 'stopped'
    try {
      this.#log.info({ event: 'lease.acquired', epoch: term.epoch }, 'this coordinator leads')
      onLead(term.epoch)
      reason = await this.#keep(term, signal)
    } finally {
      this.#term = undefined
      term.time[Symbol.dispose]()
      this.#log.info({ event: 'lease.lost', epoch: term.epoch, reason }, 'this coordinator stands by')
      onLost(reason)
      // Also when `onLead` threw: nobody should have to wait for the lease to run out.
      if (reason === 'stopped') await this.#release(term.epoch)
    }
  }

  async #keep(term: Term, signal: AbortSignal): Promise<LostReason> {
    const { lease } = this.#options
    await this.#pauseWithin(term, this.#ttlMs / 3, signal)
    while (!signal.aborted && !term.time.isOver) {
      const time = this.#startTime()
      const either = AbortSignal.any([signal, term.time.signal])
      const answer = await this.#ask(this.#ttlMs / 4, either, (limit) => lease.renew(term.epoch, limit))
      const isRenewed = answer.status === 'done' && answer.value && !term.time.isOver
      const unused = isRenewed ? term.time : time
      if (isRenewed) term.time = time
      unused[Symbol.dispose]()
      if (answer.status === 'done' && !answer.value) return 'taken'
      await this.#pauseWithin(term, isRenewed ? this.#ttlMs / 3 : retryMs, signal)
    }
    return signal.aborted ? 'stopped' : 'expired'
  }

  async #release(epoch: Epoch): Promise<void> {
    const { lease } = this.#options
    await this.#ask(this.#ttlMs / 3, undefined, (limit) => lease.release(epoch, limit))
  }

  async #ask<T>(
    ms: number,
    signal: AbortSignal | undefined,
    work: (limit: AbortSignal) => Promise<T>,
  ): Promise<Outcome<T>> {
    const outcome = await timed({ clock: this.#options.clock, ms, work }, signal)
    if (outcome.status === 'done') this.#lastProblem = undefined
    else if (!signal?.aborted) this.#noteProblem(outcome)
    return outcome
  }

  /** Told once per kind of trouble, not with every attempt. */
  #noteProblem(outcome: Exclude<Outcome<unknown>, { status: 'done' }>): void {
    const error = outcome.status === 'failed' ? toSpansyncError(outcome.error) : undefined
    const code = error?.code ?? outcome.status
    if (code === this.#lastProblem) return
    this.#lastProblem = code
    this.#log.warn({ event: 'lease.failed', code, err: error }, error?.remedy ?? 'the store is slow; it is tried again')
  }

  #pause(ms: number, signal: AbortSignal): Promise<void> {
    // An abort ends the pause; whoever paused looks at the signal.
    return this.#options.clock.sleep(ms, signal).catch(() => {})
  }

  #pauseWithin(term: Term, ms: number, signal: AbortSignal): Promise<void> {
    return this.#pause(ms, AbortSignal.any([signal, term.time.signal]))
  }

  #startTime(): LeadTime {
    return startLeadTime(this.#options.clock, this.#ttlMs * (1 - safetyShare))
  }
}

/** Until the lease may have run out, but not too long: the leader may release it before, and it may be renewed. */
function followerPause(answer: Acquisition): number {
  return answer.status === 'held' ? Math.min(answer.leftMs + 1, askEveryMs) : 0
}
