/** Weight of a new round trip in the smoothed one. A busy machine can only make it look longer, so a shorter one weighs more. */
const longerWeight = 0.2
const shorterWeight = 0.6

export class RoundTrip {
  #smoothed: number | undefined

  get ms(): number | undefined {
    return this.#smoothed
  }

  observe(ms: number): void {
    const known = this.#smoothed ?? ms
    this.#smoothed = known + (ms - known) * (ms < known ? shorterWeight : longerWeight)
  }
}

/** A window this long, with this many bytes, says something about the link and not about the user. */
const windowMs = 1000
const enoughBytes = 128 * 1024

/** Throughput of one direction, measured as it goes, in bytes per second. Rises quickly and falls slowly: a flow is often slower than
 *  its link, never faster. */
export class ThroughputMeter {
  #startedAt: number | undefined
  #lastAt = 0
  #bytes = 0
  #estimate: number | undefined

  get bytesPerSecond(): number | undefined {
    return this.#estimate
  }

  add(bytes: number, now: number): void {
    if (this.#startedAt === undefined || now - this.#lastAt > windowMs) this.#open(now)
    this.#lastAt = now
    this.#bytes += bytes
    const elapsed = now - (this.#startedAt ?? now)
    if (elapsed >= windowMs) this.#close(elapsed, now)
  }

  #open(now: number): void {
    const elapsed = this.#lastAt - (this.#startedAt ?? this.#lastAt)
    // A burst shorter than a window still counts when it was long enough to be timed.
    if (elapsed >= windowMs / 4) this.#close(elapsed, now)
    this.#startedAt = now
    this.#bytes = 0
  }

  #close(elapsed: number, now: number): void {
    if (this.#bytes >= enoughBytes) {
      const sample = (this.#bytes * 1000) / elapsed
      const known = this.#estimate
      const weight = known === undefined ? 1 : sample > known ? 0.5 : 0.1
      this.#estimate = known === undefined ? sample : known + (sample - known) * weight
    }
    this.#startedAt = now
    this.#bytes = 0
  }
}
