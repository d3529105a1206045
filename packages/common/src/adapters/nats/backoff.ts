/** Delays between tries, in ms. */
export interface BackoffTiming {
  readonly firstMs: number
  /** For the first tries: whoever restarts a server expects the others to be back soon. */
  readonly longestAtFirstMs: number
  readonly triesAtFirst: number
  readonly longestMs: number
}

/** Doubling delays, each with a random part so that machines that lost the server together do not return in step. */
export class Backoff {
  readonly #timing: BackoffTiming
  readonly #random: () => number
  #next: number
  #tries = 0

  constructor(timing: BackoffTiming, random: () => number) {
    this.#timing = timing
    this.#random = random
    this.#next = timing.firstMs
  }

  reset(): void {
    this.#next = this.#timing.firstMs
    this.#tries = 0
  }

  /** `atLeastMs`: for causes that only a person removes. */
  next(atLeastMs = 0): number {
    const { longestAtFirstMs, triesAtFirst, longestMs } = this.#timing
    const delay = Math.max(this.#next, atLeastMs)
    this.#next = Math.min(this.#next * 2, this.#tries++ < triesAtFirst ? longestAtFirstMs : longestMs)
    return delay * (0.5 + 0.5 * this.#random())
  }
}
