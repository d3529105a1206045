import { lstat, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { orGone } from '../disk/gone.ts'
import { isUnfinished } from '../disk/keep.ts'

/** Removes copies that were on their way to where a folder's versions are kept when the process ended; what they are of is still in the
 *  folder. `beforeMs`: what was touched since, in ms since 1970, may be under way. */
export async function removeUnfinished(directory: string, beforeMs: number): Promise<void> {
  for (const name of await readdir(directory).catch(orGone([]))) {
    if (!isUnfinished(name)) continue
    const stats = await lstat(join(directory, name)).catch(orGone(undefined))
    if (stats && stats.ctimeMs < beforeMs) await rm(join(directory, name), { recursive: true, force: true })
  }
}
