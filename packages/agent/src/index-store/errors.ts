import { messageOf, SpansyncError } from '@spansync/common/runtime/errors'

/** The index file cannot be trusted. The caller sets it aside and starts a new incarnation, which never deletes anything. */
export class IndexDamagedError extends SpansyncError {
  readonly file: string

  constructor(file: string, cause: unknown) {
    super({
      code: 'index_damaged',
      message: `the index ${file} is damaged: ${messageOf(cause)}`,
      remedy:
        'nothing is lost: the damaged file is set aside and the index is built again from the disk and the peers. ' +
        'When it happens again, check the disk (smartctl, fsck).',
      cause,
    })
    this.file = file
  }
}

/** The index was written by a newer version of this program. */
export class IndexTooNewError extends SpansyncError {
  constructor(file: string, found: number, known: number) {
    super({
      code: 'index_too_new',
      message: `the index ${file} has version ${found}; this program knows versions up to ${known}`,
      remedy: 'install the newer version of spansync again, or move the index away and let it be built anew',
    })
  }
}

/** SQLite is content with the file, but this program never wrote what is in it. */
export class UnexpectedContentError extends Error {}

const damageCodes = ['SQLITE_CORRUPT', 'SQLITE_NOTADB', 'SQLITE_IOERR_SHORT_READ', 'SQLITE_IOERR_CORRUPTFS']

/** Runs `work`; what SQLite says about a broken file becomes an IndexDamagedError. */
export function guarded<T>(file: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw isDamage(error) ? new IndexDamagedError(file, error) : error
  }
}

function isDamage(error: unknown): boolean {
  // SyntaxError: JSON that does not parse.
  if (error instanceof SyntaxError || error instanceof UnexpectedContentError) return true
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return damageCodes.some((prefix) => code.startsWith(prefix))
}
