import type { Clock } from '@spansync/common/ports'

/** Ends a run in which nothing moves: Unison itself waits for ever for a silent peer. */
export class Watchdog {
  readonly #clock: Clock
  readonly #ms: number
  readonly #bark: () => void
  readonly #stop = new AbortController()
  #last: number
  #paused = false
  #hasBarked = false

  constructor({ clock, ms, bark }: { clock: Clock; ms: number; bark: () => void }) {
    this.#clock = clock
    this.#ms = ms
    this.#bark = bark
    this.#last = clock.now()
  }

  get hasBarked(): boolean {
    return this.#hasBarked
  }

  start(): void {
    this.#watch().catch(() => undefined)
  }

  /** Something moved. */
  feed(): void {
    this.#last = this.#clock.now()
  }

  /** While nothing is expected to move. */
  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.feed()
  }

  stop(): void {
    this.#stop.abort(new Error('stopped'))
  }

  async #watch(): Promise<void> {
    const { signal } = this.#stop
    for (;;) {
      const left = this.#paused ? this.#ms : this.#last + this.#ms - this.#clock.now()
      if (left <= 0) break
      await this.#clock.sleep(left, signal)
    }
    this.#hasBarked = true
    this.#bark()
  }
}

/** How long a run that moves files of this size may be silent: Unison reads a whole file on each side without a word (MD5, and a
 *  slow disk gives 20 MB/s). */
export function silenceAllowedMs(largestFileBytes: number): number {
  return 60_000 + largestFileBytes / 20_000
}
