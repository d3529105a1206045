import { readdirSync } from 'node:fs'
import type { FolderTotals } from '@spansync/common/core/causal/folder-index'
import { markerDirectory } from '../disk/marker.ts'

/** Fewer than this may well be what somebody deleted by hand, one by one. */
const vanishedAtOnce = 3

/** Nothing is left in the root, and there was something: more likely a mistake, or another disk, than somebody's wish. */
export function isEmptied(root: string, { files, dirs }: Pick<FolderTotals, 'files' | 'dirs'>): boolean {
  return files + dirs >= vanishedAtOnce && readdirSync(root).every((name) => name === markerDirectory)
}
