import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { FetchItem } from '@spansync/common/core/agent/events'
import { ancestors, parentOf } from '@spansync/common/core/causal/paths'
import type { RelativePath } from '@spansync/common/core/causal/types'
import type { FolderIndex } from '@spansync/common/ports'
import { lstat } from '../disk/stat.ts'
import { isLeftover } from '../unison/leftovers.ts'

/** How a set of wanted paths is put to Unison. */
export interface Covers {
  /** Directories that Unison copies whole: one item for it instead of hundreds, which it would look at one by one. */
  readonly covers: readonly RelativePath[]
  /** New directories to be made here first: covers that shall fill bit by bit, and those with too little in them to be one. */
  readonly directories: readonly { readonly path: RelativePath; readonly mode: number }[]
  readonly paths: readonly RelativePath[]
}

/** What is known of the directories that the items are in. */
export interface Surroundings {
  /** Nothing has ever been in them here, as far as the index knows. */
  readonly untouched: ReadonlySet<RelativePath>
  /** Those that are on the disk already, and empty. */
  readonly empty: ReadonlySet<RelativePath>
  /** Of which the peer has more than the items. */
  readonly partial: ReadonlySet<RelativePath>
}

/** Fewer files than this in a directory go one by one. */
const worthwhile = 8
/** Unison puts a new directory in place when all of it is there; a larger one is made first, and fills bit by bit. */
const mostAtOnce = 2000

/** Covers only directories in which nothing of this replica's own can be. Of nested ones the outermost counts, unless it holds more
 *  than half of everything: then its children do, so that the next machine need not wait for all of it. One that holds so much
 *  without having children is a cover all the same: its files one by one would take Unison ten times as long. */
export function coversOf(items: readonly FetchItem[], { untouched, empty, partial }: Surroundings): Covers {
  const made = new Map(items.filter(({ entry }) => entry.kind === 'dir').map(({ entry }) => [entry.path, entry.mode]))
  const files = items.filter(({ entry }) => entry.kind !== 'dir').map(({ entry }) => entry.path)
  const counts = countBelow(files)
  const most = Math.max(worthwhile, Math.min(mostAtOnce, files.length / 2))
  const fillsBitByBit = (path: RelativePath): boolean => (counts.get(path) ?? 0) > most
  const withChildren = new Set([...made.keys(), ...counts.keys()].map(parentOf))
  const isCover = (path: RelativePath): boolean => {
    // As `-path` a name `*` would stand for all its neighbours.
    if ((counts.get(path) ?? 0) < worthwhile || !untouched.has(path) || /(^|\/)\*$/.test(path)) return false
    const fills = fillsBitByBit(path)
    if (fills && withChildren.has(path)) return false
    if (made.has(path) && !fills) return true
    return (made.has(path) || empty.has(path)) && !partial.has(path)
  }
  const covers = new Set<RelativePath>()
  for (const path of [...counts.keys()].sort((left, right) => left.length - right.length)) {
    if (isCover(path) && !ancestors(path).some((parent) => covers.has(parent))) covers.add(path)
  }
  const isInside = (path: RelativePath): boolean => ancestors(path).some((parent) => covers.has(parent))
  return {
    covers: [...covers],
    directories: [...made]
      .filter(([path]) => !isInside(path) && (!covers.has(path) || fillsBitByBit(path)))
      .map(([path, mode]) => ({ path, mode })),
    paths: files.filter((path) => !isInside(path)),
  }
}

/** Directories that the items are, or are in, of which the index has never heard of anything inside. */
export function untouchedBy(items: readonly FetchItem[], index: Pick<FolderIndex, 'hasBelow'>): Set<RelativePath> {
  const directories = items.map(({ entry: { kind, path } }) => (kind === 'dir' ? path : parentOf(path)))
  return new Set([...new Set(directories)].filter((path) => path !== '' && !index.hasBelow(path)))
}

/** Nothing is there, or a directory with nothing in it. What Unison left of an interrupted transfer does not count; a link to a
 *  directory is none. */
export async function isBare(root: string, path: RelativePath): Promise<boolean> {
  const full = join(root, path)
  try {
    const stats = lstat(full)
    if (!stats?.isDirectory()) return stats === undefined
    return (await readdir(full)).every(isLeftover)
  } catch {
    // Nothing can be said about it, as below a directory that may not be entered.
    return false
  }
}

function countBelow(files: readonly RelativePath[]): Map<RelativePath, number> {
  const counts = new Map<RelativePath, number>()
  for (const path of files) {
    for (const parent of ancestors(path)) counts.set(parent, (counts.get(parent) ?? 0) + 1)
  }
  return counts
}
