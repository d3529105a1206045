import type { Stats } from 'node:fs'
import { lstat, readdir, rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { errnoOf } from '@spansync/common/runtime/errors'

export interface KeptLimits {
  readonly days: number
  /** Room that all kept versions together may take. */
  readonly maxBytes: number
}

interface Kept {
  readonly path: string
  readonly bytes: number
  /** When it was put here: moving a file changes its inode, not its modification time. */
  readonly since: number
}

const dayMs = 86_400_000

/** Removes kept versions that are too old, then the oldest until the rest fits. Answers how many went. A file that vanishes meanwhile
 *  is nobody's loss. */
export async function pruneVersions(
  directory: string,
  limits: KeptLimits,
  now: number,
  signal: AbortSignal,
): Promise<number> {
  const kept: Kept[] = []
  for await (const one of filesIn(directory)) {
    signal.throwIfAborted()
    kept.push(one)
  }
  kept.sort((left, right) => left.since - right.since)
  let bytes = kept.reduce((sum, one) => sum + one.bytes, 0)
  let removed = 0
  for (const one of kept) {
    if (now - one.since <= limits.days * dayMs && bytes <= limits.maxBytes) break
    signal.throwIfAborted()
    await rm(one.path, { force: true })
    bytes -= one.bytes
    removed++
  }
  if (removed > 0) await removeEmpty(directory)
  return removed
}

async function* filesIn(directory: string): AsyncGenerator<Kept> {
  for (const entry of await list(directory)) {
    const path = join(directory, entry.name)
    if (entry.isDirectory()) yield* filesIn(path)
    else {
      const stats = await look(path)
      if (stats) yield { path, bytes: stats.size, since: stats.ctimeMs }
    }
  }
}

async function look(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}

async function list(directory: string) {
  try {
    return await readdir(directory, { withFileTypes: true })
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return []
    throw error
  }
}

/** True when nothing is left. */
async function removeEmpty(directory: string): Promise<boolean> {
  let isEmpty = true
  for (const entry of await list(directory)) {
    const gone = entry.isDirectory() && (await removeEmpty(join(directory, entry.name)))
    if (!gone) isEmpty = false
  }
  if (!isEmpty) return false
  try {
    await rmdir(directory)
    return true
  } catch (error) {
    // Something was kept here in this moment.
    if (errnoOf(error) === 'ENOTEMPTY' || errnoOf(error) === 'ENOENT') return false
    throw error
  }
}
