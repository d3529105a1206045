/** Work that goes on beside everything else, and is waited for at the end. */
export class Running {
  readonly #work = new Set<Promise<unknown>>()

  /** Answers the same work. A failure is for whoever waits for it; here it is over, too. */
  track<T>(work: Promise<T>): Promise<T> {
    const tracked: Promise<unknown> = work.catch(() => undefined).finally(() => this.#work.delete(tracked))
    this.#work.add(tracked)
    return work
  }

  async settled(): Promise<void> {
    await Promise.allSettled([...this.#work])
  }
}
