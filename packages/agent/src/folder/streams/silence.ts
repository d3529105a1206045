import type { Clock } from '@spansync/common/ports'

/** No byte for so long, and the usual way is taken instead. */
export const silenceMs = 60_000

/** Goes off when it has not been fed for a while. */
export class SilenceAlarm {
  readonly #clock: Clock
  readonly #ms: number
  readonly #stop = new AbortController()
  #fedAt: number

  constructor(clock: Clock, ms: number, ring: () => void) {
    this.#clock = clock
    this.#ms = ms
    this.#fedAt = clock.now()
    void this.#watch(ring)
  }

  feed(): void {
    this.#fedAt = this.#clock.now()
  }

  end(): void {
    this.#stop.abort()
  }

  async #watch(ring: () => void): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      const left = this.#fedAt + this.#ms - this.#clock.now()
      if (left <= 0) return ring()
      await this.#clock.sleep(left, signal).catch(() => undefined)
    }
  }
}
