import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { holdExclusively } from '@spansync/common/adapters/exclusive'
import { errnoOf } from '@spansync/common/runtime/errors'
import { type RunInfo, readRunInfo, runInfoFile, socketPathOf } from './endpoint.ts'
import { HomeLockedError } from './errors.ts'

/** Makes this process the only daemon of a home, until it is disposed or the process ends in any way. Throws HomeLockedError. */
export function lockHome(home: string): Disposable {
  const held = holdExclusively(join(home, 'agent.lock'))
  if (held === undefined) throw new HomeLockedError(home, runningPid(home))
  const info: RunInfo = { pid: process.pid, socket: socketPathOf(home) }
  writeFileSync(runInfoFile(home), `${JSON.stringify(info)}\n`, { mode: 0o600 })
  return {
    [Symbol.dispose]: () => {
      rmSync(runInfoFile(home), { force: true })
      held[Symbol.dispose]()
    },
  }
}

/** The owner's pid, for a message: undefined when the file is one that a killed daemon has left. */
function runningPid(home: string): number | undefined {
  const pid = readRunInfo(home)?.pid
  if (pid === undefined) return undefined
  try {
    process.kill(pid, 0)
    return pid
  } catch (error) {
    return errnoOf(error) === 'EPERM' ? pid : undefined
  }
}
