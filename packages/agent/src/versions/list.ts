import type { Dirent } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { RelativePath } from '@spansync/common/core/causal/types'
import { orGone } from '../disk/gone.ts'
import { isDayName, momentOf } from '../disk/kept-place.ts'

/** A version that had to leave a folder. */
export interface KeptVersion {
  readonly path: RelativePath
  /** When it had to, ms since 1970: until then it was the file's content. */
  readonly keptAtMs: number
  readonly kind: 'file' | 'symlink'
  readonly bytes: number
  /** When it was written, ms since 1970. */
  readonly mtimeMs: number
  /** Where it is, absolute. */
  readonly file: string
}

/** All that was kept at one moment. */
export interface Moment {
  readonly atMs: number
  readonly directory: string
}

/** From the newest to the oldest. What has another name than a moment has is not ours, and links are not followed. */
export async function momentsIn(directory: string): Promise<Moment[]> {
  const moments: Moment[] = []
  for (const day of await directoriesIn(directory)) {
    if (!isDayName(day)) continue
    for (const time of await directoriesIn(join(directory, day))) {
      const atMs = momentOf(day, time)
      if (atMs !== undefined) moments.push({ atMs, directory: join(directory, day, time) })
    }
  }
  return moments.sort((left, right) => right.atMs - left.atMs)
}

/** The versions of a path, or of all that is below it ('' for everything), from the newest to the oldest. Reads names and sizes only. */
export async function* versionsOf(directory: string, path: RelativePath): AsyncGenerator<KeptVersion> {
  for (const moment of await momentsIn(directory)) yield* versionsAt(moment, path)
}

export async function* versionsAt({ atMs, directory }: Moment, path: RelativePath): AsyncGenerator<KeptVersion> {
  const file = path === '' ? directory : join(directory, path)
  const stats = await lstat(file).catch(orGone(undefined))
  if (stats === undefined) return
  if (stats.isDirectory()) {
    for (const { name } of await list(file)) {
      yield* versionsAt({ atMs, directory }, path === '' ? name : `${path}/${name}`)
    }
  } else if (stats.isFile() || stats.isSymbolicLink()) {
    const kind = stats.isFile() ? 'file' : 'symlink'
    yield { path, keptAtMs: atMs, kind, bytes: stats.size, mtimeMs: stats.mtimeMs, file }
  }
}

/** Names of real directories only. */
export async function directoriesIn(directory: string): Promise<string[]> {
  return (await list(directory)).filter((entry) => entry.isDirectory()).map(({ name }) => name)
}

async function list(directory: string): Promise<Dirent[]> {
  return await readdir(directory, { withFileTypes: true }).catch(orGone([]))
}
