import type { Clock } from '@spansync/common/ports'
import {
  type FinishedOrder,
  type State,
  type StateAnswer,
  stateAnswerSchema,
} from '@spansync/common/protocol/coordination'
import type { Answer } from './coordinator-link.ts'
import type { Snapshot, StateDeltas } from './state-deltas.ts'

export interface StateLoopOptions {
  readonly clock: Clock
  readonly deltas: StateDeltas
  readonly snapshot: () => Snapshot
  readonly send: (state: State) => Promise<Answer>
  readonly heard: (answer: StateAnswer) => void
  readonly nobody: () => void
  readonly told: (finished: readonly FinishedOrder[]) => void
  /** An answer that nobody can read. */
  readonly misheard: (problem: string) => void
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

  constructor(options: StateLoopOptions) {
    this.#options = options
  }

  /** Something may have changed. */
  changed(): void {
    this.#isDue = true
    if (this.#isHeard) this.#wake.resolve()
  }

  /** Somebody listens: a new connection, or a beat of a coordinator that knows nothing of us. */
  begin(): void {
    this.#options.deltas.reset()
    this.#isDue = true
    this.#isHeard = true
    this.#wake.resolve()
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
    const isThrough = await this.#send(state)
    if (isThrough) {
      deltas.accepted(state, clock.now())
      told(state.finished ?? [])
    } else deltas.reset()
  }

  async #send(state: State): Promise<boolean> {
    const { send, heard, nobody, misheard } = this.#options
    const answer = await send(state)
    if (answer.kind === 'answer') {
      const parsed = parse(answer.data)
      if (!parsed) misheard('it is not what was expected')
      else heard(parsed)
      if (parsed && !parsed.full && parsed.problem === undefined) return true
      if (parsed?.problem !== undefined) misheard(parsed.problem)
      // A coordinator that is not answered sensibly is not asked without end.
      if (parsed?.full !== true) await this.#pause(retryMs)
    } else if (answer.kind === 'timeout' || answer.kind === 'refused') await this.#pause(retryMs)
    else {
      this.#isHeard = false
      if (answer.kind === 'nobody') nobody()
    }
    this.#isDue = true
    return false
  }

  async #pause(ms: number): Promise<void> {
    await this.#options.clock.sleep(ms, this.#stop.signal).catch(() => undefined)
  }
}

function parse(data: Uint8Array): StateAnswer | undefined {
  try {
    return stateAnswerSchema.parse(JSON.parse(new TextDecoder().decode(data)))
  } catch {
    return undefined
  }
}

const shortestGapMs = 10
const longestGapMs = 250
const restMs = 500
const retryMs = 1000
