import { lstat, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { RelativePath } from '@spansync/common/core/causal/types'
import type { DiskWorker } from '../disk/disk-worker.ts'
import { orGone } from '../disk/gone.ts'
import { isUnfinished } from '../disk/keep.ts'
import { takenFrom } from '../disk/place.ts'
import { signatureOf } from '../disk/stat.ts'

export interface CutOffOptions {
  readonly root: string
  /** Where the folder's versions are kept. */
  readonly directory: string
  readonly disk: Pick<DiskWorker, 'perform'>
  /** Milliseconds since 1970, by the clock of the folder's disk: what is younger is under way. */
  readonly beforeMs: number
}

/** Versions that the end of a process has cut off on their way out of the folder are kept after all, each at the moment when it had to leave.
 *  `files`: relative to the root, as `takenFrom` knows them. Answers those that had to stay (a full disk): the next start tries again. */
export async function keepCutOff(files: readonly string[], options: CutOffOptions): Promise<RelativePath[]> {
  const left: RelativePath[] = []
  for (const file of files) if (!(await isKept(file, options))) left.push(file)
  return left
}

async function isKept(file: string, { root, directory, disk, beforeMs }: CutOffOptions): Promise<boolean> {
  const path = takenFrom(file)
  const stats = await lstat(join(root, file)).catch(orGone(undefined))
  if (path === undefined || stats === undefined || stats.ctimeMs >= beforeMs) return true
  const keepIn = { directory, atMs: Math.floor(stats.ctimeMs), path }
  await disk.perform(root, [{ op: 'remove', path: file, expect: signatureOf(stats), keepIn }])
  return (await lstat(join(root, file)).catch(orGone(undefined))) === undefined
}

/** Copies on their way to `directory` that nobody has touched since; the versions themselves are still in the folder. */
export async function removeUnfinished(directory: string, beforeMs: number): Promise<void> {
  for (const name of await readdir(directory).catch(orGone([]))) {
    if (!isUnfinished(name)) continue
    const stats = await lstat(join(directory, name)).catch(orGone(undefined))
    if (stats && stats.ctimeMs < beforeMs) await rm(join(directory, name), { recursive: true, force: true })
  }
}
