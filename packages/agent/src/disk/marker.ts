import { randomBytes } from 'node:crypto'
import {
  accessSync,
  constants,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join, relative, resolve, sep } from 'node:path'
import type { FolderId } from '@spansync/common/core/causal/types'
import { errnoOf } from '@spansync/common/runtime/errors'
import { MarkerError, NestedFoldersError } from './marker-errors.ts'

export const markerDirectory = '.spansync'
export const markerFile = join(markerDirectory, 'folder.json')

interface Marker {
  readonly id: FolderId
  readonly version: number
  /** Made with the marker: another directory that is marked for the same folder has another one. */
  readonly instance: string | undefined
}

/** Marks `root` as a replica of the folder. Keeps a marker that is there already; throws when it is another folder's. */
export function createMarker(root: string, id: FolderId): void {
  checkRoot(root, id)
  if (readMarker(root, id) === undefined) {
    mkdirSync(join(root, markerDirectory), { recursive: true })
    writeMarker(root, { id, version: 1, instance: newInstance() })
  }
  checkMarker(root, id)
}

/** What tells this directory from any other that was ever marked for the folder; a move or a copy keeps it. Markers of an older
 *  version get theirs now. Undefined when there is no marker. */
export function rootInstance(root: string, id: FolderId): string | undefined {
  const marker = readMarker(root, id)
  if (marker === undefined || marker.instance !== undefined) return marker?.instance
  const instance = newInstance()
  writeMarker(root, { ...marker, instance })
  return instance
}

/** The time by the clock of the disk that the folder is on, ms since 1970: what changes later in it is at least as young. Long ago where
 *  nothing can be written. */
export function diskNow(root: string): number {
  const file = join(root, `${markerFile}.now`)
  try {
    writeFileSync(file, '')
    return statSync(file).ctimeMs
  } catch {
    return 0
  } finally {
    rmSync(file, { force: true })
  }
}

const newInstance = (): string => randomBytes(12).toString('hex')

/** Whole or not at all: half a marker would stop the folder. */
function writeMarker(root: string, marker: Marker): void {
  const file = join(root, markerFile)
  writeFileSync(`${file}.new`, `${JSON.stringify(marker)}\n`)
  renameSync(`${file}.new`, file)
}

/** Throws a MarkerError unless `root` is a readable directory that holds the marker of this folder. Without `id` the marker of any
 *  folder will do. */
export function checkMarker(root: string, id?: FolderId): void {
  checkRoot(root, id)
  const marker = readMarker(root, id)
  if (marker === undefined) throw markerGone(root, id)
  if (id !== undefined && marker.id !== id) {
    throw new MarkerError({
      code: 'marker_foreign',
      message: `${root} is a replica of folder ${marker.id}, not of ${id}`,
      remedy:
        `check the path of folder ${id}; if this directory shall become folder ${id}, ` +
        `remove ${join(root, markerDirectory)} and run: spansync folder add ${id} ${root}`,
    })
  }
}

/** Throws when one of the folders lies inside another, also when a symbolic link hides it. */
export function checkNotNested(folders: readonly { readonly id: FolderId; readonly path: string }[]): void {
  const real = folders.map((folder) => ({ folder, path: realPath(folder.path) }))
  for (const outer of real) {
    for (const inner of real) {
      if (outer !== inner && contains(outer.path, inner.path)) throw new NestedFoldersError(outer.folder, inner.folder)
    }
  }
}

function checkRoot(root: string, id: FolderId | undefined): void {
  try {
    if (!statSync(root).isDirectory()) {
      throw new MarkerError({
        code: 'root_not_directory',
        message: `${root}${ofFolder(id)} is not a directory`,
        remedy: 'correct the path of the folder, or move away what is there',
      })
    }
    accessSync(root, constants.R_OK | constants.X_OK)
  } catch (error) {
    if (error instanceof MarkerError) throw error
    checkRootError(root, id, error)
  }
}

/** Throws unless the error only says that the marker is not there, which is for the caller to judge. */
function checkRootError(root: string, id: FolderId | undefined, error: unknown): void {
  const code = errnoOf(error)
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    if (statSync(root, { throwIfNoEntry: false }) !== undefined) return
    throw new MarkerError({
      code: 'root_missing',
      message: `${root}${ofFolder(id)} does not exist`,
      remedy: 'mount the disk that it is on, or correct the path of the folder; nothing is deleted meanwhile',
      cause: error,
    })
  }
  throw new MarkerError({
    code: 'root_not_readable',
    message: `${root}${ofFolder(id)} cannot be read (${code ?? String(error)})`,
    remedy: 'give the user that runs spansync the right to read this directory',
    cause: error,
  })
}

function readMarker(root: string, id: FolderId | undefined): Marker | undefined {
  let text: string
  try {
    text = readFileSync(join(root, markerFile), 'utf8')
  } catch (error) {
    const code = errnoOf(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    checkRootError(root, id, error)
    return undefined
  }
  const marker = parseMarker(text)
  if (marker !== undefined) return marker
  throw new MarkerError({
    code: 'marker_invalid',
    message: `${join(root, markerFile)} is not the marker of a folder`,
    remedy: `remove that file and run: spansync folder add ${id ?? 'ID'} ${root}   (no file of yours is touched)`,
  })
}

function parseMarker(text: string): Marker | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || !('id' in value) || typeof value.id !== 'string')
      return undefined
    return {
      id: value.id as FolderId,
      version: 'version' in value && typeof value.version === 'number' ? value.version : 1,
      instance: 'instance' in value && typeof value.instance === 'string' ? value.instance : undefined,
    }
  } catch {
    return undefined
  }
}

function markerGone(root: string, id: FolderId | undefined): MarkerError {
  return new MarkerError({
    code: 'marker_gone',
    message: `${root}${ofFolder(id)} has no ${markerDirectory} directory any more`,
    remedy:
      'the disk may be unmounted, or the path wrong: put that right, and it goes on. ' +
      `If the directory really is the folder, also when it is empty now: spansync folder add ${id ?? 'ID'} ${root}`,
  })
}

function ofFolder(id: FolderId | undefined): string {
  return id === undefined ? '' : ` (folder ${id})`
}

function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return resolve(path)
  }
}

function contains(outer: string, inner: string): boolean {
  const way = relative(outer, inner)
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`) && resolve(outer, way) === inner)
}
