import type { FolderId } from '@spansync/common/core/causal/types'
import type { Clock } from '@spansync/common/ports'
import { type Limit, TokenBucket } from './token-bucket.ts'
import type { Rates } from './types.ts'

interface Buckets {
  readonly up: TokenBucket
  readonly down: TokenBucket
}

/** What each folder may use of one link, besides what the link as a whole may. */
export class FolderLimits {
  readonly #clock: Clock
  readonly #buckets = new Map<FolderId, Buckets>()
  #rates: ReadonlyMap<FolderId, Rates>

  constructor(clock: Clock, rates: ReadonlyMap<FolderId, Rates> = new Map()) {
    this.#clock = clock
    this.#rates = rates
  }

  /** Shared by all streams of the folder, for as long as the link is configured. */
  of(folder: FolderId): Buckets {
    const known = this.#buckets.get(folder)
    if (known !== undefined) return known
    const { upBytesPerSecond, downBytesPerSecond } = this.#rates.get(folder) ?? {}
    const clock = this.#clock
    const made = { up: new TokenBucket(clock, upBytesPerSecond), down: new TokenBucket(clock, downBytesPerSecond) }
    this.#buckets.set(folder, made)
    return made
  }

  /** Counts for streams under way, too. */
  setRates(rates: ReadonlyMap<FolderId, Rates> = new Map()): void {
    this.#rates = rates
    for (const [folder, { up, down }] of this.#buckets) {
      up.setRate(rates.get(folder)?.upBytesPerSecond)
      down.setRate(rates.get(folder)?.downBytesPerSecond)
    }
  }
}

/** Both limits at once. The link's comes last: what waits for its own folder must not use up what others may send meanwhile. */
export function within(folder: Limit, link: Limit): Limit {
  return {
    chunkBytes: (largest) => link.chunkBytes(folder.chunkBytes(largest)),
    take(bytes, signal) {
      const wait = folder.take(bytes, signal)
      return wait === undefined ? link.take(bytes, signal) : wait.then(() => link.take(bytes, signal))
    },
  }
}
