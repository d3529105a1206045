import type { Clock } from '@spansync/common/ports'

/** Work that may take its time as long as nobody waits: once somebody does, it has so many ms left. */
export class GiveWay {
  readonly #clock: Clock
  readonly #ms: number
  readonly #work = new AbortController()
  readonly #timer = new AbortController()
  #isWaitedFor = false

  constructor(clock: Clock, ms: number) {
    this.#clock = clock
    this.#ms = ms
  }

  /** Aborts when the work has to stop. */
  get signal(): AbortSignal {
    return this.#work.signal
  }

  /** Somebody waits for the work to end. */
  hurry(): void {
    if (this.#isWaitedFor) return
    this.#isWaitedFor = true
    const stop = (): void => this.#work.abort(new Error('it took too long, and others waited'))
    this.#clock.sleep(this.#ms, this.#timer.signal).then(stop, () => undefined)
  }

  /** The work is done, and goes on undisturbed. */
  done(): void {
    this.#timer.abort()
  }
}
