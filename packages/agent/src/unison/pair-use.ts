import { curePair } from './locks.ts'

/** Who is at work in the directories of pairs. A process that was ended by force leaves its lock and a half-written archive there; when
 *  nobody works there any more, they go. */
export class PairUse {
  readonly #users = new Map<string, number>()
  readonly #curing = new Map<string, Promise<void>>()
  readonly #failed: (error: unknown) => void

  /** `failed`: something could not be removed. The next run goes on regardless. */
  constructor(failed: (error: unknown) => void) {
    this.#failed = failed
  }

  async during<T>(unisonDir: string, work: () => Promise<T>): Promise<T> {
    this.#users.set(unisonDir, this.#usersOf(unisonDir) + 1)
    // What a process that begins now makes must not be taken for what the one before has left.
    await this.#curing.get(unisonDir)
    try {
      return await work()
    } finally {
      const left = this.#usersOf(unisonDir) - 1
      this.#users.set(unisonDir, left)
      if (left === 0) await this.cure(unisonDir)
    }
  }

  /** Unless somebody is at work there. */
  async cure(unisonDir: string): Promise<void> {
    if (this.#usersOf(unisonDir) > 0) return
    this.#users.delete(unisonDir)
    const curing = this.#curing.get(unisonDir) ?? this.#cure(unisonDir)
    this.#curing.set(unisonDir, curing)
    await curing
  }

  async #cure(unisonDir: string): Promise<void> {
    try {
      await curePair(unisonDir)
    } catch (error) {
      this.#failed(error)
    } finally {
      this.#curing.delete(unisonDir)
    }
  }

  #usersOf(unisonDir: string): number {
    return this.#users.get(unisonDir) ?? 0
  }
}
