import type { NoAnswer } from '@spansync/common/adapters/nats/exchange'
import type { FinishedOrder } from '@spansync/common/core/coordinator/facts'
import type { Snapshot, StateDeltas, StateMessage } from '@spansync/common/core/follow/state-deltas'
import type { Clock } from '@spansync/common/ports'
import type { StateAnswer } from '@spansync/common/protocol/coordination'

export interface StateLoopOptions {
  readonly clock: Clock
  readonly deltas: StateDeltas
  readonly snapshot: () => Snapshot
  /** Never rejects. */
  readonly send: (state: StateMessage) => Promise<{ kind: 'answer'; answer: StateAnswer } | NoAnswer>
  readonly heard: (answer: StateAnswer) => void
  readonly nobody: () => void
  readonly told: (finished: readonly FinishedOrder[]) => void
}

/** Tells the coordinator how things are whenever they have changed, one message at a time. The first change after a while goes at
 *  once; in a long transfer, where something changes all the time, messages come further and further apart. */
export class StateLoop {
  readonly #options: StateLoopOptions
  readonly #stop = new AbortController()
  #wake = Promise.withResolvers<void>()
  #isDue = false
  /** False: nobody listens, so nothing is said until somebody is heard. */
  #isHeard = false
  #gapMs = shortestGapMs
  #sentAt = Number.NEGATIVE_INFINITY
  /** How often somebody new has begun to listen: what was asked before counts for nothing then. */
  #begun = 0
  /** In a row. */
  #refusals = 0

  constructor(options: StateLoopOptions) {
    this.#options = options
  }

  /** Something may have changed. */
  changed(): void {
    this.#isDue = true
    if (this.#isHeard) this.#wake.resolve()
  }

  /** Somebody listens who knows nothing of us: after a new connection, or a new coordinator's beat. */
  begin(): void {
    this.#options.deltas.reset()
    this.#begun++
    this.#isDue = true
    this.#isHeard = true
    this.#wake.resolve()
  }

  /** The coordinator does not take what this node says. */
  get isRefused(): boolean {
    return this.#refusals > 0
  }

  pause(): void {
    this.#isHeard = false
  }

  async run(): Promise<void> {
    const { signal } = this.#stop
    signal.addEventListener('abort', () => this.#wake.resolve(), { once: true })
    while (!signal.aborted) {
      await this.#wake.promise
      this.#wake = Promise.withResolvers()
      while (this.#isDue && this.#isHeard && !signal.aborted) await this.#tell()
    }
  }

  stop(): void {
    this.#stop.abort(new Error('stopping'))
  }

  async #tell(): Promise<void> {
    const { clock, deltas, snapshot, told } = this.#options
    const quietFor = clock.now() - this.#sentAt
    this.#gapMs = quietFor > restMs ? shortestGapMs : Math.min(longestGapMs, this.#gapMs * 2)
    if (quietFor < this.#gapMs) await this.#pause(this.#gapMs - quietFor)
    this.#isDue = false
    const state = deltas.next(snapshot(), clock.now())
    if (!state) return
    this.#sentAt = clock.now()
    const begun = this.#begun
    const isCurrent = (): boolean => begun === this.#begun
    if ((await this.#send(state, isCurrent)) && isCurrent()) {
      deltas.accepted(state, clock.now())
      this.#isDue ||= deltas.isBehind
      told(state.finished ?? [])
    } else {
      deltas.reset()
      this.#isDue = true
    }
  }

  /** `isCurrent`: nobody new has begun to listen since. */
  async #send(state: StateMessage, isCurrent: () => boolean): Promise<boolean> {
    const { send, heard, nobody } = this.#options
    const result = await send(state)
    if (result.kind === 'answer' && result.answer.problem === undefined) {
      this.#refusals = 0
      // Given up while its answer was under way: it leads again by that answer, so it must be told what follows from it.
      this.#isHeard = true
      heard(result.answer)
      return !result.answer.full
    }
    if (result.kind === 'answer' || result.kind === 'refused') {
      // A coordinator that does not take what we say does not lead us, however loudly it beats.
      if (isCurrent()) nobody()
      await this.#pause(Math.min(longestRetryMs, retryMs * 2 ** this.#refusals++))
    } else if (result.kind === 'timeout') await this.#pause(retryMs)
    else if (isCurrent()) {
      this.#isHeard = false
      if (result.kind === 'nobody') nobody()
    }
    return false
  }

  async #pause(ms: number): Promise<void> {
    await this.#options.clock.sleep(ms, this.#stop.signal).catch(() => undefined)
  }
}

const shortestGapMs = 10
const longestGapMs = 250
const restMs = 500
const retryMs = 1000
const longestRetryMs = 60_000
