import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { errnoOf } from '@spansync/common/runtime/errors'
import Database from 'better-sqlite3'
import { type RunInfo, readRunInfo, runInfoFile, socketPathOf } from './endpoint.ts'
import { HomeLockedError } from './errors.ts'

/** Makes this process the only daemon of a home, until it is disposed or the process ends in any way. Throws HomeLockedError.
 *
 *  Node has no flock. A file with a pid in it outlives SIGKILL, and pids are used again; finding that a socket does not answer and then
 *  replacing it is two steps, between which another daemon can do the same. An exclusive transaction of SQLite, which we have
 *  anyway, takes a lock of the kernel's on Linux, macOS and Windows: only one process can hold it, and it goes with the process. The file
 *  stays empty; it must never be deleted while it is held. */
export function lockHome(home: string): Disposable {
  mkdirSync(home, { recursive: true, mode: 0o700 })
  const database = new Database(join(home, 'agent.lock'), { timeout: 0 })
  try {
    database.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    if (isBusy(error)) throw new HomeLockedError(home, runningPid(home))
    throw error
  }
  const info: RunInfo = { pid: process.pid, socket: socketPathOf(home) }
  writeFileSync(runInfoFile(home), `${JSON.stringify(info)}\n`, { mode: 0o600 })
  return {
    [Symbol.dispose]: () => {
      rmSync(runInfoFile(home), { force: true })
      database.close()
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

function isBusy(error: unknown): boolean {
  return error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY')
}
