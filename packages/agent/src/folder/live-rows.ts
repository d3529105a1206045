import type { Row } from '@spansync/common/core/causal/types'

export function isAlive(row: Row | undefined): row is Row {
  return row !== undefined && !row.deleted
}

export function isLiveDirectory(row: Row | undefined): row is Row {
  return isAlive(row) && row.kind === 'dir'
}
