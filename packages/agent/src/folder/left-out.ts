import type { Entry, RelativePath } from '@spansync/common/core/causal/types'

const most = 1000

/** The newest that peers have told of and this replica takes no part in: asked why, it says how large they are. */
export class LeftOut {
  readonly #sizes = new Map<RelativePath, number>()

  note({ path, size }: Entry): void {
    this.#sizes.delete(path)
    this.#sizes.set(path, size)
    const [oldest] = this.#sizes.keys()
    if (this.#sizes.size > most && oldest !== undefined) this.#sizes.delete(oldest)
  }

  sizeOf(path: RelativePath): number | undefined {
    return this.#sizes.get(path)
  }
}
