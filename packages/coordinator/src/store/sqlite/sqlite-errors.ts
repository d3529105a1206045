import { SpansyncError } from '@spansync/common/runtime/errors'
import { StoreBusyError, StoreClosedError, StoreDamagedError, StoreFileError } from '../errors.ts'

/** SQLite's, and the system's where the file is made. */
const fileCodes = [
  'SQLITE_CANTOPEN',
  'SQLITE_IOERR',
  'SQLITE_READONLY',
  'SQLITE_PERM',
  'SQLITE_AUTH',
  'EACCES',
  'EEXIST',
  'EIO',
  'EISDIR',
  'ENOENT',
  'ENOTDIR',
  'EPERM',
  'EROFS',
]

/** What SQLite says, as what it means to a person. Anything else is given back as it came. */
export function toStoreError(error: unknown, location: string): unknown {
  if (error instanceof SpansyncError) return error
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const begins = (...prefixes: string[]): boolean => prefixes.some((prefix) => code.startsWith(prefix))
  if (begins('SQLITE_CORRUPT', 'SQLITE_NOTADB', 'SQLITE_IOERR_SHORT_READ', 'SQLITE_IOERR_CORRUPTFS')) {
    return new StoreDamagedError(location, error)
  }
  if (begins('SQLITE_BUSY', 'SQLITE_LOCKED', 'SQLITE_PROTOCOL')) return new StoreBusyError(location, error)
  if (begins('SQLITE_FULL', 'ENOSPC', 'EDQUOT')) {
    return new StoreFileError(location, error, 'free some space on its disk')
  }
  if (begins(...fileCodes)) {
    return new StoreFileError(
      location,
      error,
      'check that its directory is there, that this user may read and write in it, and that its disk is sound',
    )
  }
  if (error instanceof TypeError && /connection is not open/.test(error.message)) return new StoreClosedError(location)
  return error
}

export function guarded<T>(location: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw toStoreError(error, location)
  }
}
