import type { Kind } from '@spansync/common/core/causal/types'
import type { FolderTotals } from '@spansync/common/ports'

interface Counted {
  readonly kind: Kind
  readonly deleted: boolean
  readonly size: number
}

export const emptyTotals: FolderTotals = { files: 0, dirs: 0, bytes: 0, tombstones: 0 }

/** Totals with one more entry (sign 1) or one fewer (sign -1). Links count as files. */
export function count(totals: FolderTotals, entry: Counted, sign: 1 | -1): FolderTotals {
  if (entry.deleted) return { ...totals, tombstones: totals.tombstones + sign }
  if (entry.kind === 'dir') return { ...totals, dirs: totals.dirs + sign }
  return { ...totals, files: totals.files + sign, bytes: totals.bytes + sign * entry.size }
}
