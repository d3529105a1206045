import type { RelativePath } from '@spansync/common/core/causal/types'

/** Paths with one pair of waiting times. All calls take constant time: a Map keeps the order of insertion, so the head of
 *  `#lastHint` has rested longest and the head of `#firstHint` has waited longest. */
export class SettleLane {
  readonly #quietMs: number
  readonly #mostMs: number
  readonly #lastHint = new Map<RelativePath, number>()
  readonly #firstHint = new Map<RelativePath, number>()

  constructor(quietMs: number, mostMs: number) {
    this.#quietMs = quietMs
    this.#mostMs = mostMs
  }

  get size(): number {
    return this.#lastHint.size
  }

  has(path: RelativePath): boolean {
    return this.#lastHint.has(path)
  }

  /** `first`: when the path was first hinted, when that was in another lane. */
  add(path: RelativePath, now: number, first: number | undefined): void {
    this.#lastHint.delete(path)
    this.#lastHint.set(path, now)
    // A path from another lane may stand behind younger ones here; it is late by no more than it has waited there.
    if (!this.#firstHint.has(path)) this.#firstHint.set(path, first ?? now)
  }

  /** Answers when the path was first hinted; undefined when it is not here. */
  remove(path: RelativePath): number | undefined {
    const first = this.#firstHint.get(path)
    this.#firstHint.delete(path)
    this.#lastHint.delete(path)
    return first
  }

  take(now: number, limit: number, into: RelativePath[]): void {
    this.#takeFrom(this.#firstHint, now - this.#mostMs, limit, into)
    this.#takeFrom(this.#lastHint, now - this.#quietMs, limit, into)
  }

  nextDue(): number | undefined {
    const [last] = this.#lastHint.values()
    const [first] = this.#firstHint.values()
    if (last === undefined || first === undefined) return undefined
    return Math.min(last + this.#quietMs, first + this.#mostMs)
  }

  clear(): void {
    this.#lastHint.clear()
    this.#firstHint.clear()
  }

  #takeFrom(order: Map<RelativePath, number>, until: number, limit: number, into: RelativePath[]): void {
    for (const [path, at] of order) {
      if (at > until || into.length >= limit) return
      this.remove(path)
      into.push(path)
    }
  }
}
