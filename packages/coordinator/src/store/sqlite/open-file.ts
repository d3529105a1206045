import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { errnoOf } from '@spansync/common/runtime/errors'
import Database from 'better-sqlite3'
import { StoreDamagedError, StoreForeignError, StoreTooNewError } from '../errors.ts'
import { applicationId, migrations, vitalTables } from './schema.ts'

// How long SQLite waits for another process's lock, with the event loop standing still. A write takes milliseconds.
const lockWaitMs = 1000

/** Opens the store in `file`; makes one only where there is no file at all. */
export function openFile(file: string, location: string): Database.Database {
  if (!existsSync(file)) create(file, location)
  // Ours appear complete, see `create`: an empty file was cut off, and an empty store in its place would hide that.
  if (statSync(file).size === 0) throw new StoreDamagedError(location, new Error('the file is empty'))
  const database = new Database(file, { fileMustExist: true, timeout: lockWaitMs })
  try {
    checkOwner(database, location)
    configure(database)
    database.pragma('synchronous = FULL')
    migrate(database, location)
    checkVitalTables(database, location)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/** Makes the file under another name and then gives it its own, so that nobody, also after a crash, meets an unfinished one. */
function create(file: string, location: string): void {
  if (existsSync(`${file}-wal`)) {
    throw new StoreDamagedError(location, new Error(`the file is gone, but its ${file}-wal is still there`))
  }
  mkdirSync(dirname(file), { recursive: true })
  const unfinished = `${file}.new-${randomBytes(6).toString('hex')}`
  try {
    const database = new Database(unfinished)
    try {
      chmodSync(unfinished, 0o600)
      // Flushed once, when it is complete: before that a crash leaves nothing that anybody looks at.
      database.pragma('synchronous = OFF')
      database.pragma(`application_id = ${applicationId}`)
      configure(database)
      migrate(database, location)
    } finally {
      database.close()
    }
    flush(unfinished)
    giveName(unfinished, file)
  } finally {
    for (const suffix of ['', '-wal', '-shm']) rmSync(unfinished + suffix, { force: true })
  }
}

function flush(file: string): void {
  const handle = openSync(file, 'r+')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}

/** Two processes may do this at once: the first wins, and the other opens what the first made. */
function giveName(unfinished: string, file: string): void {
  try {
    linkSync(unfinished, file)
  } catch (error) {
    const code = errnoOf(error)
    if (code === 'EEXIST') return
    if (code === 'ENOENT' || existsSync(file)) throw error
    // A file system without hard links (FAT).
    renameSync(unfinished, file)
  }
}

/** Before anything is written: it may be somebody else's file. */
function checkOwner(database: Database.Database, location: string): void {
  if (database.pragma('application_id', { simple: true }) !== applicationId) throw new StoreForeignError(location)
}

function configure(database: Database.Database): void {
  // Readers and the one writer do not wait for each other.
  database.pragma('journal_mode = WAL')
  database.pragma('temp_store = MEMORY')
  // Bytes: what a burst of reports leaves behind is cut back.
  database.pragma('journal_size_limit = 16777216')
}

function migrate(database: Database.Database, location: string): void {
  const version = (): number => database.pragma('user_version', { simple: true }) as number
  if (version() > migrations.length) throw new StoreTooNewError(location, version(), migrations.length)
  if (version() === migrations.length) return
  database
    .transaction(() => {
      // Asked again under the lock: another process may have done it meanwhile.
      for (let from = version(); from < migrations.length; from++) {
        database.exec(migrations[from] as string)
        database.pragma(`user_version = ${from + 1}`)
      }
    })
    .immediate()
}

function checkVitalTables(database: Database.Database, location: string): void {
  for (const table of vitalTables) {
    const verdict = database.pragma(`quick_check(${table})`, { simple: true })
    if (verdict !== 'ok') throw new StoreDamagedError(location, new Error(String(verdict)))
  }
}
