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

/** Who had to wait this share of the time for the socket was held up by the link, and not by the disk or the other program. */
const pressedShare = 0.3

/** Throughput of one direction, measured as it goes, in bytes per second. Rises quickly and falls slowly: a flow is often slower than
 *  its link, never faster. */
export class ThroughputMeter {
  /** What a sender hands over first goes into the system's buffer, at any speed. */
  readonly #sends: boolean
  readonly #any = new Smoothed()
  readonly #pressed = new Smoothed()
  #startedAt: number | undefined
  #lastAt = 0
  #bytes = 0
  #waitedMs = 0
  /** Nothing has been measured yet since the flow began. */
  #isFirst = true
  #wasPressed = false

  constructor({ sends = false } = {}) {
    this.#sends = sends
  }

  /** At least this much the link can do. */
  get bytesPerSecond(): number | undefined {
    return this.#any.value
  }

  /** So much it can do and no more: of flows that the link held up. Only a sender can tell. */
  get limit(): number | undefined {
    return this.#pressed.value
  }

  add(bytes: number, now: number): void {
    if (this.#startedAt === undefined || now - this.#lastAt > windowMs) this.#open(now)
    this.#lastAt = now
    this.#bytes += bytes
    const elapsed = now - (this.#startedAt ?? now)
    if (elapsed >= windowMs) this.#close(elapsed, now)
  }

  /** The sender could not go on for so long, until the socket took more. */
  waited(ms: number): void {
    this.#waitedMs += ms
  }

  #open(now: number): void {
    const elapsed = this.#lastAt - (this.#startedAt ?? this.#lastAt)
    // A burst shorter than a window still counts when it was long enough to be timed.
    if (elapsed >= windowMs / 4) this.#close(elapsed, now)
    this.#isFirst = true
    this.#wasPressed = false
    this.#begin(now)
  }

  #close(elapsed: number, now: number): void {
    const isPressed = this.#waitedMs >= pressedShare * elapsed
    if (this.#bytes >= enoughBytes) {
      const sample = (this.#bytes * 1000) / elapsed
      if (!this.#sends || !this.#isFirst) this.#any.observe(sample)
      // Only when the buffer was full before, too, has as much left it as came in.
      if (isPressed && this.#wasPressed) this.#pressed.observe(sample)
    }
    this.#isFirst = false
    this.#wasPressed = isPressed
    this.#begin(now)
  }

  #begin(now: number): void {
    this.#startedAt = now
    this.#bytes = 0
    this.#waitedMs = 0
  }
}

class Smoothed {
  value: number | undefined

  observe(sample: number): void {
    const known = this.value ?? sample
    this.value = known + (sample - known) * (sample > known ? 0.5 : 0.1)
  }
}
