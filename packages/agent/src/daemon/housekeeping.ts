import { join } from 'node:path'
import type { Config } from '@spansync/common/config/schema'
import type { FolderId } from '@spansync/common/core/causal/types'
import type { Clock } from '@spansync/common/ports'
import type { Logger } from '@spansync/common/runtime/logger'
import { type PruneOptions, pruneVersions } from '../versions/prune.ts'
import { inBackground } from './background.ts'

const firstMs = 60_000
const everyMs = 6 * 3_600_000
const restMs = 60_000
/** Some seconds of work on a slow disk. */
const mostAtOnce = 5000

export interface HousekeepingOptions {
  readonly home: string
  readonly config: () => Config
  /** Nothing is being synchronised now. */
  readonly isAtRest: () => boolean
  readonly clock: Clock
  readonly log: Logger
}

/** Keeps what the agent keeps within its limits: some at a time, and while there is nothing else to do, unless there always is. */
export function keepHouse(options: HousekeepingOptions): AsyncDisposable {
  const { home, config, isAtRest, clock, log } = options
  return inBackground(async (signal) => {
    await clock.sleep(firstMs, signal)
    for (let waitedMs = 0; ; ) {
      if (!isAtRest() && waitedMs < everyMs) {
        await clock.sleep(restMs, signal)
        waitedMs += restMs
        continue
      }
      waitedMs = 0
      const isMore = await tidy({ directory: join(home, 'versions'), config, clock, log, signal })
      await clock.sleep(isMore ? restMs : everyMs, signal)
    }
  })
}

interface Tidying extends Pick<HousekeepingOptions, 'config' | 'clock' | 'log'> {
  readonly directory: string
  readonly signal: AbortSignal
}

/** True when more could go. */
async function tidy({ directory, config, clock, log, signal }: Tidying): Promise<boolean> {
  try {
    const limitsOf = limitsIn(config())
    const options = { directory, limitsOf, nowMs: clock.wallNow(), most: mostAtOnce, signal }
    const { removed, isMore } = await pruneVersions(options)
    if (removed > 0) log.info({ event: 'versions.pruned', removed })
    return isMore
  } catch (error) {
    if (!signal.aborted)
      log.warn({ event: 'versions.not_pruned', err: error }, 'look at the versions directory in the home')
    return false
  }
}

/** What a folder does not set for itself is as for all, also for one that is no longer there. */
export function limitsIn({ versions, folders }: Config): PruneOptions['limitsOf'] {
  return (folder) => {
    const own = folders[folder as FolderId]?.versions
    return {
      days: own?.days ?? versions.days,
      count: own?.count ?? versions.count,
      maxBytes: own?.maxBytes ?? versions.maxBytes,
      ownRoom: own?.maxBytes !== undefined,
    }
  }
}
