import { loadConfig } from '@spansync/common/config/file'
import { nearest } from '@spansync/common/config/nearest'
import { UsageError } from '@spansync/common/runtime/errors'

/** Errors for names that nothing is known by. */
export const unknownName = {
  peer: (name: string, known: readonly string[]): UsageError =>
    new UsageError(`unknown peer \`${name}\`${guess(name, known)}`, 'see `spansync peer list`', 'unknown_peer'),
  folder: (id: string, known: readonly string[]): UsageError =>
    new UsageError(`unknown folder \`${id}\`${guess(id, known)}`, 'see `spansync folder list`', 'unknown_folder'),
  self: (name: string): UsageError =>
    new UsageError(
      `that is the fingerprint of this machine (${name})`,
      'run `spansync id` on the other machine, and use what it prints there',
    ),
}

/** Throws when a folder is named that the configuration does not have. */
export function checkFolderName(home: string, id: string | undefined): void {
  if (id === undefined) return
  const known = Object.keys(loadConfig(home).folders)
  if (!known.includes(id)) throw unknownName.folder(id, known)
}

function guess(name: string, known: readonly string[]): string {
  const near = nearest(name, known)
  return near === undefined ? '' : `; did you mean \`${near}\`?`
}
