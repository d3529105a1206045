import type { Clock } from '../ports.ts'

/** Rings once, at the earliest of the moments that it has been set to; whoever waits for later ones sets it again then. */
export class Timer {
  readonly #clock: Clock
  readonly #ring: () => void
  #at = Number.POSITIVE_INFINITY
  #waiting: AbortController | undefined

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock
    this.#ring = ring
  }

  /** `at`: ms of the clock. What is past rings soon. */
  set(at: number): void {
    const now = this.#clock.now()
    if (at >= this.#at && this.#at > now) return
    this.#waiting?.abort()
    const waiting = new AbortController()
    this.#waiting = waiting
    this.#at = at
    const ring = (): void => {
      this.#at = Number.POSITIVE_INFINITY
      this.#ring()
    }
    this.#clock.sleep(Math.max(1, at - now), waiting.signal).then(ring, () => undefined)
  }

  cancel(): void {
    this.#waiting?.abort()
  }
}
