import type { Clock } from '@spansync/common/ports'

/** Bytes may flow in bursts of up to this much time's worth. */
const burstSeconds = 0.25
const smallestBurstBytes = 16 * 1024

/** What is asked before bytes flow. */
export interface Limit {
  /** A size of chunk, of at most `largest` bytes, that keeps the flow even. */
  chunkBytes(largest: number): number
  /** undefined when the bytes may flow now. Rejects when the signal aborts. */
  take(bytes: number, signal: AbortSignal): Promise<void> | undefined
}

/** A rate limit in bytes per second. It may go into debt for one chunk and then makes the next wait, so any chunk size keeps the
 *  average. */
export class TokenBucket implements Limit {
  readonly #clock: Clock
  #rate: number | undefined
  #tokens: number
  #at: number

  constructor(clock: Clock, bytesPerSecond: number | undefined) {
    this.#clock = clock
    this.#rate = bytesPerSecond
    this.#tokens = this.#burst()
    this.#at = clock.now()
  }

  get limited(): boolean {
    return this.#rate !== undefined
  }

  setRate(bytesPerSecond: number | undefined): void {
    this.#refill()
    this.#rate = bytesPerSecond
    this.#tokens = Math.min(this.#tokens, this.#burst())
  }

  chunkBytes(largest: number): number {
    return this.#rate === undefined ? largest : Math.min(largest, Math.max(2048, Math.floor(this.#rate / 8)))
  }

  /** Counts bytes that cannot wait, such as control messages. */
  charge(bytes: number): void {
    if (this.#rate === undefined) return
    this.#refill()
    this.#tokens -= bytes
  }

  take(bytes: number, signal: AbortSignal): Promise<void> | undefined {
    if (this.#rate === undefined) return undefined
    this.#refill()
    if (this.#tokens <= 0) return this.#wait(bytes, signal)
    this.#tokens -= bytes
    return undefined
  }

  async #wait(bytes: number, signal: AbortSignal): Promise<void> {
    while (this.#rate !== undefined) {
      this.#refill()
      if (this.#tokens > 0) break
      // A changed limit is noticed within a second.
      const seconds = Math.min(1, Math.max(0.001, -this.#tokens / this.#rate))
      await this.#clock.sleep(Math.ceil(seconds * 1000), signal)
    }
    this.#tokens -= bytes
  }

  #burst(): number {
    return Math.max(smallestBurstBytes, (this.#rate ?? 0) * burstSeconds)
  }

  #refill(): void {
    const now = this.#clock.now()
    const elapsed = Math.max(0, now - this.#at)
    this.#at = now
    if (this.#rate === undefined) return
    this.#tokens = Math.min(this.#burst(), this.#tokens + (elapsed / 1000) * this.#rate)
  }
}
