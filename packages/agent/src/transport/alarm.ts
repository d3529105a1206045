import type { Clock } from '@spansync/common/ports'

/** A sleep that can be cut short. One waiter at a time; a wake with nobody waiting is remembered for the next wait. */
export class Alarm {
  readonly #clock: Clock
  #sleeper: AbortController | undefined
  #woken = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  wake(): void {
    this.#woken = true
    this.#sleeper?.abort()
  }

  /** Until `ms` have passed or `wake` is called; never rejects. */
  async wait(ms: number): Promise<void> {
    if (!this.#woken) {
      this.#sleeper = new AbortController()
      await this.#clock.sleep(ms, this.#sleeper.signal).catch(() => undefined)
      this.#sleeper = undefined
    }
    this.#woken = false
  }
}

/** Runs `work` with a signal that aborts when `signal` does, or with `late()` after `ms`. */
export async function withDeadline<T>(
  options: { clock: Clock; ms: number; signal?: AbortSignal | undefined; late: () => Error },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { clock, ms, signal, late } = options
  signal?.throwIfAborted()
  const controller = new AbortController()
  const timer = new AbortController()
  const abort = (): void => controller.abort(signal?.reason)
  signal?.addEventListener('abort', abort, { once: true })
  clock.sleep(ms, timer.signal).then(
    () => controller.abort(late()),
    () => undefined,
  )
  try {
    return await work(controller.signal)
  } finally {
    timer.abort()
    signal?.removeEventListener('abort', abort)
  }
}
