import type { FetchItem } from '@spansync/common/core/agent/events'
import type { Row, StatSignature } from '@spansync/common/core/causal/types'
import type { FolderIndex } from '@spansync/common/ports'

export function isAlive(row: Row | undefined): row is Row {
  return row !== undefined && !row.deleted
}

export function isLiveDirectory(row: Row | undefined): row is Row {
  return isAlive(row) && row.kind === 'dir'
}

/** What must be at the path before it is replaced; null: nothing. */
export function expectedAt(index: Pick<FolderIndex, 'get'>, { entry, transit }: FetchItem): StatSignature | null {
  if (transit) return transit
  const row = index.get(entry.path)
  return isAlive(row) && row.stat ? row.stat : null
}
