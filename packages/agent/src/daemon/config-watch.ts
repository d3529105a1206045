import { watch } from 'node:fs'
import { basename, dirname } from 'node:path'
import { loadConfig } from '@spansync/common/config/file'
import { configFileOf } from '@spansync/common/config/home'
import type { Config } from '@spansync/common/config/schema'
import type { Problem } from '@spansync/common/protocol/status'
import { toSpansyncError } from '@spansync/common/runtime/errors'
import type { Logger } from '@spansync/common/runtime/logger'

export interface ConfigWatchOptions {
  readonly home: string
  readonly log: Logger
  readonly take: (config: Config) => Promise<void>
  /** Why the newest configuration is not in force; undefined: it is. */
  readonly problem: (problem: Problem | undefined) => void
}

export interface ConfigWatch extends Disposable {
  /** Rejects when the configuration is bad; the old one stays in force. */
  takeNow(take: () => Promise<void>): Promise<void>
}

/** Takes a changed config.yaml over by itself. The directory is watched, for editors replace the file. */
export function watchConfig({ home, log, take, problem }: ConfigWatchOptions): ConfigWatch {
  let last: Promise<void> = Promise.resolve()
  const attempt = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work()
      problem(undefined)
    } catch (error) {
      const { code, message, remedy } = toSpansyncError(error)
      problem({ code, message, remedy })
      log.error({ event: 'config.refused', code, err: error }, `the old settings stay in force; ${remedy}`)
      throw error
    }
  }
  const queue = (work: () => Promise<void>): Promise<void> => {
    const turn = last.then(() => attempt(work))
    last = turn.catch(() => undefined)
    return turn
  }
  const file = configFileOf(home)
  const watcher = watch(dirname(file), { persistent: false }, (_event, name) => {
    // What went wrong is in the status and in the log already.
    if (name === basename(file)) queue(() => take(loadConfig(home))).catch(() => undefined)
  })
  watcher.on('error', (error) =>
    log.warn({ event: 'config.unwatched', err: error }, 'restart spansync after editing config.yaml'),
  )
  return { takeNow: queue, [Symbol.dispose]: () => watcher.close() }
}
