import { readdirSync } from 'node:fs'
import type { FolderTotals } from '@spansync/common/core/causal/folder-index'
import { checkMarker, markerDirectory } from '../disk/marker.ts'

/** Fewer than this may well be what somebody deleted by hand, one by one. */
const vanishedAtOnce = 3

/** Nothing is left in the root, and there was something: more likely a mistake, or another disk, than somebody's wish. Throws a
 *  MarkerError where the folder itself is not there: its disk has gone in this moment. */
export function isEmptied(root: string, { files, dirs }: Pick<FolderTotals, 'files' | 'dirs'>): boolean {
  if (files + dirs < vanishedAtOnce) return false
  const names = readdirSync(root)
  if (!names.includes(markerDirectory)) checkMarker(root)
  return names.length === 1 && names[0] === markerDirectory
}
