import type { CycleResult } from './cycle-reader.ts'

interface Waiter {
  taken: boolean
  readonly resolve: (result: CycleResult) => void
  readonly reject: (error: unknown) => void
}

/** Those who wait for the end of the cycle that takes what they have told. */
export class CycleWaiters {
  readonly #waiting = new Set<Waiter>()

  /** Rejects with the signal's reason, or what `failed` gets. */
  async wait(signal?: AbortSignal): Promise<CycleResult> {
    const { promise, resolve, reject } = Promise.withResolvers<CycleResult>()
    const waiter: Waiter = { taken: false, resolve, reject }
    const abort = (): void => reject(signal?.reason)
    this.#waiting.add(waiter)
    signal?.addEventListener('abort', abort, { once: true })
    try {
      return await promise
    } finally {
      signal?.removeEventListener('abort', abort)
      this.#waiting.delete(waiter)
    }
  }

  /** A cycle took everything that was told until now. */
  taken(): void {
    for (const waiter of this.#waiting) waiter.taken = true
  }

  finished(result: CycleResult): void {
    for (const waiter of this.#waiting) if (waiter.taken) waiter.resolve(result)
  }

  failed(error: unknown): void {
    for (const { reject } of this.#waiting) reject(error)
  }
}
