import { conflictMark, conflictOrigin, isConflictCopy } from '@spansync/common/core/causal/conflict-name'
import type { Row } from '@spansync/common/core/causal/types'
import type { FolderIndex } from '@spansync/common/ports'
import type { ConflictInfo } from '../control/api.ts'
import type { FolderHost } from '../folder/folder-host.ts'

/** The conflict copies that lie in the folders, for somebody to look at and then delete. */
export function conflictsOf(hosts: readonly FolderHost[]): ConflictInfo[] {
  return hosts.flatMap((host) => {
    const copies = host.engine ? copiesIn(host.engine.index) : []
    return copies.map(({ path, size, mtimeUs }) => {
      const { original, node } = conflictOrigin(path)
      return { folder: host.options.folder, path, original, node, bytes: size, mtimeMs: mtimeUs / 1000 }
    })
  })
}

const counted = new WeakMap<FolderIndex, { seq: number; conflicts: number }>()

/** How many `conflictsOf` lists. That reads every path, so it is done only when something has changed since the last time. */
export function countConflicts(index: FolderIndex): number {
  const { seq } = index.meta()
  const known = counted.get(index)
  if (known?.seq === seq) return known.conflicts
  const conflicts = copiesIn(index).length
  counted.set(index, { seq, conflicts })
  return conflicts
}

/** A name may have the mark without being a copy's, and so may the directory above. */
function copiesIn(index: FolderIndex): Row[] {
  return index.containing(conflictMark, mostCopies).filter(({ path, kind }) => kind !== 'dir' && isConflictCopy(path))
}

const mostCopies = 10_000
