interface Entry {
  readonly at: number
  readonly order: number
  readonly run: () => void
}

/** Virtual time: what is due first runs first, equals in the order in which they were put in. A binary heap. */
export class EventQueue {
  now = 0
  readonly #heap: Entry[] = []
  #order = 0

  get size(): number {
    return this.#heap.length
  }

  after(delayMs: number, run: () => void): void {
    this.#heap.push({ at: this.now + Math.max(0, delayMs), order: this.#order++, run })
    this.#rise(this.#heap.length - 1)
  }

  /** Runs the next one; false when there is none. */
  advance(): boolean {
    const first = this.#heap[0]
    if (!first) return false
    const last = this.#heap.pop() as Entry
    if (this.#heap.length > 0) {
      this.#heap[0] = last
      this.#sink(0)
    }
    this.now = Math.max(this.now, first.at)
    first.run()
    return true
  }

  nextAt(): number {
    return this.#heap[0]?.at ?? Number.POSITIVE_INFINITY
  }

  #rise(from: number): void {
    let at = from
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!this.#before(at, parent)) return
      this.#swap(at, parent)
      at = parent
    }
  }

  #sink(from: number): void {
    let at = from
    for (;;) {
      let least = at
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < this.#heap.length && this.#before(child, least)) least = child
      }
      if (least === at) return
      this.#swap(at, least)
      at = least
    }
  }

  #before(left: number, right: number): boolean {
    const a = this.#heap[left] as Entry
    const b = this.#heap[right] as Entry
    return a.at < b.at || (a.at === b.at && a.order < b.order)
  }

  #swap(left: number, right: number): void {
    const held = this.#heap[left] as Entry
    this.#heap[left] = this.#heap[right] as Entry
    this.#heap[right] = held
  }
}
