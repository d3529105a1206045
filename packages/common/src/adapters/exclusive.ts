import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'better-sqlite3'

/** Makes this process the only one that holds `file`, until it is disposed or the process ends in any way. Undefined: another has it.
 *
 *  Node has no flock. A file with a pid in it outlives SIGKILL, and pids are used again; finding that a socket does not answer and then
 *  replacing it is two steps, between which another daemon can do the same. An exclusive transaction of SQLite, which we have
 *  anyway, takes a lock of the kernel's on Linux, macOS and Windows: only one process can hold it, and it goes with the process. The file
 *  stays empty; it must never be deleted while it is held. */
export function holdExclusively(file: string): Disposable | undefined {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const database = new Database(file, { timeout: 0 })
  try {
    database.exec('BEGIN EXCLUSIVE')
    return { [Symbol.dispose]: () => void database.close() }
  } catch (error) {
    database.close()
    if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY')) return undefined
    throw error
  }
}
