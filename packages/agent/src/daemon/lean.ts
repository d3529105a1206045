import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Clock } from '@spansync/common/ports'
import { inBackground } from './background.ts'

const everyMs = 15_000
/** Less than this in `everyMs` is rest. */
const restingSeconds = 0.5
/** So much work may leave something worth collecting. */
const worthwhileSeconds = 2

export interface LeanOptions {
  readonly clock: Clock
  /** Of the whole process, in seconds. */
  readonly cpu: () => number
  readonly collect: () => void
}

/** Gives memory back once the work is done. V8 collects when it needs room, and an agent at rest needs none: after the first sync of a
 *  large folder it would keep hundreds of megabytes for good. */
export function stayLean({ clock, cpu, collect }: LeanOptions): AsyncDisposable {
  return inBackground(async (signal) => {
    let [collectedAt, before] = [0, 0]
    for (;;) {
      await clock.sleep(everyMs, signal)
      const now = cpu()
      const isAtRest = now - before < restingSeconds
      before = now
      if (!isAtRest || now - collectedAt < worthwhileSeconds) continue
      collect()
      collectedAt = cpu()
    }
  })
}

export function cpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

/** A full collection. V8 gives emptied pages back to the system only in the flavour for when memory runs out; after a usual one the
 *  process would stay as large as it was. Takes some tens of milliseconds. */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as (options: object) => void
  collect({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}
