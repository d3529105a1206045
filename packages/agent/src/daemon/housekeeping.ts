import { join } from 'node:path'
import type { Config } from '@spansync/common/config/schema'
import type { Clock } from '@spansync/common/ports'
import type { Logger } from '@spansync/common/runtime/logger'
import { pruneVersions } from '../folder/kept-versions.ts'
import { inBackground } from './background.ts'

const firstMs = 60_000
const everyMs = 6 * 3_600_000

/** Keeps what the agent keeps within its limits. */
export function keepHouse(options: { home: string; config: () => Config; clock: Clock; log: Logger }): AsyncDisposable {
  const { home, config, clock, log } = options
  return inBackground(async (signal) => {
    for (let wait = firstMs; ; wait = everyMs) {
      await clock.sleep(wait, signal)
      try {
        const removed = await pruneVersions(join(home, 'versions'), config().versions, clock.wallNow(), signal)
        if (removed > 0) log.info({ event: 'versions.pruned', removed })
      } catch (error) {
        if (!signal.aborted)
          log.warn({ event: 'versions.not_pruned', err: error }, 'look at the versions directory in the home')
      }
    }
  })
}
