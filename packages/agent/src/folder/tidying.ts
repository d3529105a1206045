import type { FolderId } from '@spansync/common/core/causal/types'
import type { Clock } from '@spansync/common/ports'
import type { Logger } from '@spansync/common/runtime/logger'
import type { Litter } from './litter.ts'
import type { Loop } from './loop.ts'

const firstMs = 3000
const longestMs = 60_000

export interface TidyingOptions {
  readonly folder: FolderId
  readonly litter: Litter
  readonly loop: Loop
  readonly clock: Clock
  readonly log: Logger
}

/** Takes away what sessions have left, beside everything else: what cannot be taken away stands in nobody's way. */
export class Tidying {
  readonly #options: TidyingOptions
  /** The next look, and how long before it. */
  #next: AbortController | undefined
  #nextMs = 0

  constructor(options: TidyingOptions) {
    this.#options = options
  }

  run(work: Promise<void>): void {
    const { folder, loop, log } = this.#options
    const kept = (error: unknown): void => log.debug({ event: 'folder.leftovers_kept', folder, err: error })
    loop.run('folder.tidy', () => work.catch(kept))
  }

  /** That nobody waits for something any more is told by nothing, so it is looked at now and then, for as long as there is anything. */
  keep(ms = firstMs): void {
    const { litter, loop, clock } = this.#options
    if (!litter.isAnyOpen || (this.#next && ms >= this.#nextMs)) return
    this.#next?.abort()
    const next = new AbortController()
    this.#next = next
    this.#nextMs = ms
    const again = (): void => {
      this.#next = undefined
      this.run(litter.review())
      // What waits for a peer that is away may wait for long.
      this.keep(Math.min(ms * 2, longestMs))
    }
    clock.sleep(ms, AbortSignal.any([loop.signal, next.signal])).then(again, () => undefined)
  }
}
