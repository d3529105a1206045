import type { Clock } from '@spansync/common/ports'
import { StoreDamagedError } from './errors.ts'
import { openFile } from './sqlite/open-file.ts'
import { guarded } from './sqlite/sqlite-errors.ts'
import { SqliteFile } from './sqlite/sqlite-file.ts'
import { SqliteLease } from './sqlite/sqlite-lease.ts'
import { SqliteLinks } from './sqlite/sqlite-links.ts'
import { SqliteNodes } from './sqlite/sqlite-nodes.ts'
import { SqlitePlans } from './sqlite/sqlite-plans.ts'
import { SqliteReports } from './sqlite/sqlite-reports.ts'
import { SqliteSettings } from './sqlite/sqlite-settings.ts'
import { SqliteStates } from './sqlite/sqlite-states.ts'
import type { Store } from './store.ts'

/** Opens the store in the SQLite file, or makes it where there is no file. Several processes of one machine may share it; not over a
 *  network file system, where locks cannot be relied upon. Throws StoreDamagedError, StoreForeignError, StoreTooNewError,
 *  StoreBusyError and StoreFileError. */
export function openSqliteStore(file: string, options: { readonly clock: Clock }): Store {
  const location = `sqlite:${file}`
  return guarded(location, () => {
    const database = openFile(file, location)
    try {
      return assemble(new SqliteFile({ database, location, clock: options.clock }))
    } catch (error) {
      database.close()
      // Every statement is prepared here: one that does not fit means that a table is missing or another one.
      throw isMissingTable(error) ? new StoreDamagedError(location, error) : error
    }
  })
}

function assemble(file: SqliteFile): Store {
  return {
    location: file.location,
    lease: new SqliteLease(file),
    nodes: new SqliteNodes(file),
    settings: new SqliteSettings(file),
    states: new SqliteStates(file),
    links: new SqliteLinks(file),
    reports: new SqliteReports(file),
    plans: new SqlitePlans(file),
    [Symbol.asyncDispose]: async () => file.close(),
  }
}

function isMissingTable(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'SQLITE_ERROR'
}
