import { rm, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Retention, type RetentionLimits, type Room } from '@spansync/common/core/policy/retention'
import { errnoOf } from '@spansync/common/runtime/errors'
import { directoriesIn, type Moment, momentsIn, versionsAt } from './list.ts'

export interface PruneOptions {
  /** Holds one directory per folder. */
  readonly directory: string
  /** Of a folder by its id, which may be one that is no longer synced. `ownRoom`: its `maxBytes` is for it alone. */
  readonly limitsOf: (folder: string) => RetentionLimits & { readonly ownRoom: boolean }
  readonly nowMs: number
  /** Versions that one call removes at most. */
  readonly most: number
  readonly signal: AbortSignal
}

export interface Pruned {
  readonly removed: number
  /** More could go. */
  readonly isMore: boolean
}

/** Removes kept versions that are too old, too many of one path, or do not fit. Looks at nothing but what lies under a moment, as
 *  `moveOut` puts it there; reads no contents. What vanishes meanwhile is nobody's loss. */
export async function pruneVersions(options: PruneOptions): Promise<Pruned> {
  const { directory, signal, most } = options
  const judges = new Map<string, Retention>()
  const shared: Room = { bytes: 0 }
  let removed = 0
  for (const { folder, moment } of await allMoments(directory)) {
    signal.throwIfAborted()
    const judge = judges.get(folder) ?? judgeFor(options, folder, shared)
    judges.set(folder, judge)
    const before = removed
    for await (const version of versionsAt(moment, '')) {
      if (judge.judge(version) === 'keep') continue
      if (removed >= most) return { removed, isMore: true }
      await rm(version.file, { force: true })
      removed++
    }
    if (removed > before) await removeEmpty(moment.directory, dirname(dirname(moment.directory)))
  }
  return { removed, isMore: false }
}

function judgeFor({ limitsOf, nowMs }: PruneOptions, folder: string, shared: Room): Retention {
  const { ownRoom, ...limits } = limitsOf(folder)
  return new Retention(limits, nowMs, ownRoom ? { bytes: 0 } : shared)
}

/** Of all folders, from the newest to the oldest: they share the room. */
async function allMoments(directory: string): Promise<{ folder: string; moment: Moment }[]> {
  const all: { folder: string; moment: Moment }[] = []
  for (const folder of await directoriesIn(directory)) {
    for (const moment of await momentsIn(join(directory, folder))) all.push({ folder, moment })
  }
  return all.sort((left, right) => right.moment.atMs - left.moment.atMs)
}

/** Empty directories below, and those above up to `end`. */
export async function removeEmpty(directory: string, end: string): Promise<void> {
  await removeEmptyBelow(directory)
  for (let at = directory; at !== end && (await isRemoved(at)); ) at = dirname(at)
}

export async function removeEmptyBelow(directory: string): Promise<void> {
  for (const name of await directoriesIn(directory)) {
    await removeEmptyBelow(join(directory, name))
    await isRemoved(join(directory, name))
  }
}

/** False when something is in it, or it was not there. */
export async function isRemoved(directory: string): Promise<boolean> {
  try {
    await rmdir(directory)
    return true
  } catch (error) {
    // Something is in it, perhaps since this very moment.
    if (['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(errnoOf(error) ?? '')) return false
    throw error
  }
}
