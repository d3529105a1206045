import type { RelativePath, Row } from '@spansync/common/core/causal/types'

/** The rows used last, the oldest forgotten first. On its way through the loop a path is read half a dozen times within moments, and
 *  reading a row costs ten times what finding it here does. Also remembers that a path has no row. */
export class RowCache {
  readonly #rows = new Map<RelativePath, Row | undefined>()
  readonly #most: number

  constructor(most: number) {
    this.#most = most
  }

  get(path: RelativePath, read: () => Row | undefined): Row | undefined {
    const known = this.#rows.get(path)
    if (known !== undefined || this.#rows.has(path)) return known
    const row = read()
    this.put(path, row)
    return row
  }

  put(path: RelativePath, row: Row | undefined): void {
    this.#rows.delete(path)
    this.#rows.set(path, row)
    if (this.#rows.size <= this.#most) return
    for (const oldest of this.#rows.keys()) {
      this.#rows.delete(oldest)
      return
    }
  }

  forget(path: RelativePath): void {
    this.#rows.delete(path)
  }

  clear(): void {
    this.#rows.clear()
  }
}
