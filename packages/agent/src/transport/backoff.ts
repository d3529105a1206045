const firstMs = 250
/** For the first tries: a peer that only listens cannot say that it is back, and should not be waited for long. One try is a
 *  packet. */
const longestAtFirstMs = 3000
const triesAtFirst = 200
const longestMs = 30_000

/** Delays between tries: doubling, each with a random part so that machines that lost each other do not meet in step. */
export class Backoff {
  readonly #random: () => number
  #next = firstMs
  #tries = 0

  constructor(random: () => number) {
    this.#random = random
  }

  reset(): void {
    this.#next = firstMs
    this.#tries = 0
  }

  next(): number {
    const delay = this.#next
    this.#next = Math.min(delay * 2, this.#tries++ < triesAtFirst ? longestAtFirstMs : longestMs)
    return delay * (0.5 + 0.5 * this.#random())
  }
}
