import { isAbsolute, join, normalize, relative, sep } from 'node:path'
import { loadConfig } from '@spansync/common/config/file'
import { isInside } from '@spansync/common/config/relations'
import type { FolderConfig } from '@spansync/common/config/schema'
import type { RelativePath } from '@spansync/common/core/causal/types'
import { UsageError } from '@spansync/common/runtime/errors'
import { versionsOf } from '../versions/list.ts'
import { unknownName } from './lookup.ts'

/** Where a person looks for versions. */
export interface VersionPlace {
  readonly folder: string
  readonly root: string
  /** Of the folder's versions. */
  readonly directory: string
  /** '' for the whole folder. */
  readonly path: RelativePath
}

export interface PlaceOptions {
  readonly folder?: string | undefined
}

/** The folders that a path may be meant in: an absolute one says it itself, a relative one may be in any, unless one is named. */
export function placesOf(home: string, path: string | undefined, { folder }: PlaceOptions): VersionPlace[] {
  const folders: [string, FolderConfig][] = Object.entries(loadConfig(home).folders)
  const known = folders.map(([id]) => id)
  if (folder !== undefined && !known.includes(folder)) throw unknownName.folder(folder, known)
  const asked = folders.filter(([id]) => folder === undefined || id === folder)
  const within = asked.filter(([, { path: root }]) => path === undefined || !isAbsolute(path) || isInside(root, path))
  if (path !== undefined && within.length === 0) throw outside(path, folder)
  return within.map(([id, { path: root }]) => {
    const directory = join(home, 'versions', id)
    return { folder: id, root, directory, path: relativeTo(root, path ?? '') }
  })
}

/** The only one of them that has kept anything there. */
export async function onlyPlace(places: readonly VersionPlace[], path: string): Promise<VersionPlace> {
  const found: VersionPlace[] = []
  for (const place of places) if (await hasAny(place)) found.push(place)
  const [first, second] = found
  if (first === undefined) throw nothingKept(path)
  if (second === undefined) return first
  const names = found.map(({ folder }) => folder).join(', ')
  throw new UsageError(`several folders have versions of ${path}: ${names}`, 'say which one with --folder ID')
}

async function hasAny({ directory, path }: VersionPlace): Promise<boolean> {
  for await (const _ of versionsOf(directory, path)) return true
  return false
}

function relativeTo(root: string, path: string): RelativePath {
  const inside = isAbsolute(path) ? relative(root, path) : normalize(path === '' ? '.' : path)
  const parts = inside.split(sep).filter((part) => part !== '' && part !== '.')
  if (parts.includes('..')) throw outside(path, undefined)
  return parts.join('/')
}

function outside(path: string, folder: string | undefined): UsageError {
  const where = folder === undefined ? 'no folder' : `not in folder ${folder}`
  return new UsageError(
    `${path} is in ${where}`.replace('is in not in', 'is not in'),
    'name a path as it is within the folder, or an absolute one in a replica; see `spansync folder list`',
  )
}

export function nothingKept(path: string): UsageError {
  return new UsageError(
    `no version of ${path} has been kept`,
    'see `spansync versions`; only what a sync has overwritten or deleted on this machine is kept here',
    'no_versions',
  )
}
