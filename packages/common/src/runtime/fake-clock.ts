import type { Clock } from '../ports.ts'

interface Sleeper {
  readonly at: number
  readonly order: number
  readonly wake: () => void
}

interface Waiter {
  readonly count: number
  readonly resolve: () => void
}

/** Time that moves only when told, for tests and simulations. */
export class FakeClock implements Clock {
  #now: number
  #wallAhead = 0
  #order = 0
  #sleepers: Sleeper[] = []
  #waiters: Waiter[] = []

  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#now = startMs
  }

  now(): number {
    return this.#now
  }

  wallNow(): number {
    return this.#now + this.#wallAhead
  }

  /** As somebody who sets the machine's clock. It goes on from there. */
  setWall(ms: number): void {
    this.#wallAhead = ms - this.#now
  }

  /** How many sleeps are waiting. */
  get sleeping(): number {
    return this.#sleepers.length
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const abort = (): void => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper)
        reject(signal?.reason)
      }
      const wake = (): void => {
        signal?.removeEventListener('abort', abort)
        resolve()
      }
      const sleeper: Sleeper = { at: this.#now + Math.max(0, ms), order: this.#order++, wake }
      this.#sleepers.push(sleeper)
      signal?.addEventListener('abort', abort, { once: true })
      this.#tellWaiters()
    })
  }

  /** Moves time forward and wakes every sleep that is due, earliest first. Between two of them the code that was woken runs until
   *  it waits for something that is not a promise already settled, so sleeps it starts are honoured too. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms
    await settle()
    for (let next = this.#earliest(until); next !== undefined; next = this.#earliest(until)) {
      const due = next
      this.#now = Math.max(this.#now, due.at)
      this.#sleepers = this.#sleepers.filter((other) => other !== due)
      due.wake()
      await settle()
    }
    this.#now = until
  }

  /** Resolves when at least `count` sleeps are waiting: how a test knows that the code under test has come to rest. */
  whenSleeping(count = 1): Promise<void> {
    return new Promise((resolve) => {
      this.#waiters.push({ count, resolve })
      this.#tellWaiters()
    })
  }

  #earliest(until: number): Sleeper | undefined {
    let first: Sleeper | undefined
    for (const sleeper of this.#sleepers) {
      if (sleeper.at > until) continue
      if (first === undefined || sleeper.at < first.at || (sleeper.at === first.at && sleeper.order < first.order)) {
        first = sleeper
      }
    }
    return first
  }

  #tellWaiters(): void {
    const met = this.#waiters.filter((waiter) => this.#sleepers.length >= waiter.count)
    this.#waiters = this.#waiters.filter((waiter) => !met.includes(waiter))
    for (const waiter of met) waiter.resolve()
  }
}

/** Lets everything run that waits only for settled promises: the check phase comes after all microtasks. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
