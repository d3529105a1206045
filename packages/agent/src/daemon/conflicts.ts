import { conflictMark, conflictOrigin, isConflictCopy } from '@spansync/common/core/causal/conflict-name'
import type { ConflictInfo } from '../control/api.ts'
import type { FolderHost } from '../folder/folder-host.ts'

/** The conflict copies that lie in the folders, for somebody to look at and then delete. */
export function conflictsOf(hosts: readonly FolderHost[]): ConflictInfo[] {
  return hosts.flatMap((host) => {
    const rows = host.engine?.index.containing(conflictMark, mostCopies) ?? []
    return rows
      .filter(({ path, kind }) => kind !== 'dir' && isConflictCopy(path))
      .map(({ path, size, mtimeUs }) => {
        const { original, node } = conflictOrigin(path)
        return { folder: host.options.folder, path, original, node, bytes: size, mtimeMs: mtimeUs / 1000 }
      })
  })
}

const mostCopies = 10_000
