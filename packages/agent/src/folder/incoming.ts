import type { RemoteItem } from '@spansync/common/core/agent/events'
import type { NamesInUse } from '@spansync/common/core/causal/folding'
import { blockerOf, parentOf } from '@spansync/common/core/causal/paths'
import type { Entry } from '@spansync/common/core/causal/types'
import type { FolderIndex } from '@spansync/common/ports'

/** Puts our rows beside a peer's entries. The entries of one directory share the look for what blocks them. */
export function remoteItems(
  index: FolderIndex,
  entries: readonly Entry[],
  names?: Pick<NamesInUse, 'twinOf'>,
): RemoteItem[] {
  const rows = index.getMany(entries.map(({ path }) => path))
  const blockers = new Map<string, RemoteItem['blockedBy']>()
  return entries.map((remote) => {
    const parent = parentOf(remote.path)
    if (!blockers.has(parent)) blockers.set(parent, parent === '' ? undefined : blockerOf(index, remote.path))
    const twin = names?.twinOf(remote.path)
    return { remote, local: rows.get(remote.path), blockedBy: blockers.get(parent), twin }
  })
}
