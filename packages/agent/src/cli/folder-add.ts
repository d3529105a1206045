import { accessSync, constants, mkdirSync, realpathSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { editConfig } from '@spansync/common/config/edit'
import { loadConfig } from '@spansync/common/config/file'
import { homeOverlapText, overlaps, overlapText } from '@spansync/common/config/relations'
import type { Config, FolderConfig } from '@spansync/common/config/schema'
import { namePattern, nameRule } from '@spansync/common/config/values'
import type { FolderId } from '@spansync/common/core/causal/types'
import { errnoOf, SpansyncError, UsageError } from '@spansync/common/runtime/errors'
import { createMarker } from '../disk/marker.ts'
import type { Context } from './context.ts'
import { unknownName } from './lookup.ts'

export interface FolderOptions {
  readonly with?: readonly string[]
  readonly ignore?: readonly string[]
}

export interface NewFolder {
  readonly id: string
  readonly path: string
  readonly options: FolderOptions
}

/** The directory of a new folder cannot be used. */
class FolderPathError extends SpansyncError {
  constructor(message: string, remedy: string, cause?: unknown) {
    super({ code: 'folder_path', message, remedy, cause })
  }
}

export interface AddedFolder {
  readonly root: string
  /** It was there already: only its marker was made anew, and what the options say. */
  readonly again: boolean
}

/** Checks everything, makes the directory and its marker, and only then writes the configuration. */
export async function addFolder(context: Context, { id, path, options }: NewFolder): Promise<AddedFolder> {
  const { home, cwd } = context
  if (!namePattern.test(id)) throw new UsageError(`\`${id}\` cannot be the id of a folder`, `use ${nameRule}`)
  if (path === '') throw new UsageError('the path is empty', 'name a directory: spansync folder add ID PATH')
  const root = resolve(cwd, path)
  const config = loadConfig(home)
  checkNew({ config, id, root, options })
  checkPlace({ home, config, id, root })
  makeDirectory(root)
  // Once more: a link shows only now where it leads.
  checkPlace({ home, config, id, root })
  createMarker(root, id as FolderId)
  const again = await editConfig(home, (editor) => {
    const existing = checkNew({ config: editor.config, id, root, options })
    if (existing === undefined) editor.set(['folders', id], { path: root, ...settingsOf(options) })
    else for (const [key, value] of Object.entries(settingsOf(options))) editor.set(['folders', id, key], value)
    return existing !== undefined
  })
  return { root, again }
}

function settingsOf(options: FolderOptions): Readonly<Record<string, readonly string[]>> {
  return {
    ...(options.with === undefined ? {} : { with: [...new Set(options.with)] }),
    ...(options.ignore === undefined ? {} : { ignore: options.ignore }),
  }
}

interface Candidate {
  readonly config: Config
  readonly id: string
  readonly root: string
  readonly options: FolderOptions
}

/** The folder of that id when it is at the same place: adding it again is how a lost marker is made anew. */
function checkNew({ config, id, root, options }: Candidate): FolderConfig | undefined {
  const peers = Object.keys(config.peers)
  const unknown = options.with?.find((name) => !peers.includes(name))
  if (unknown !== undefined) throw unknownName.peer(unknown, peers)
  const [, existing] = Object.entries(config.folders).find(([other]) => other === id) ?? []
  if (existing === undefined || realPathOf(existing.path) === realPathOf(root)) return existing
  const remedy = `choose another id, or remove that one first: spansync folder remove ${id}`
  throw new UsageError(`there is a folder \`${id}\` already: ${existing.path}`, remedy, 'folder_exists')
}

function checkPlace({ home, config, id, root }: { home: string; config: Config; id: string; root: string }): void {
  const real = realPathOf(root)
  const remedy = 'choose a directory that is neither inside another folder nor around one'
  for (const [otherId, { path }] of Object.entries(config.folders)) {
    if (otherId === id) continue
    const other = realPathOf(path)
    if (overlaps(other, real)) throw new UsageError(overlapText(id, real, otherId, other), remedy, 'folders_nested')
  }
  const realHome = realPathOf(home)
  if (!overlaps(realHome, real)) return
  throw new UsageError(
    homeOverlapText(id, real, realHome),
    'choose another directory, or another home with --home',
    'folder_and_home',
  )
}

/** With every link followed, as far as the path exists. */
function realPathOf(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    const parent = dirname(path)
    return parent === path ? path : resolve(realPathOf(parent), path.slice(parent.length).replace(/^[\\/]/, ''))
  }
}

function makeDirectory(root: string): void {
  const parent = dirname(root)
  if (statSync(root, { throwIfNoEntry: false }) === undefined) {
    if (statSync(parent, { throwIfNoEntry: false })?.isDirectory() !== true) {
      throw new FolderPathError(
        `${root} cannot be made: ${parent} is not a directory`,
        `make it first (mkdir -p ${parent}), or correct the path`,
      )
    }
    try {
      mkdirSync(root)
    } catch (error) {
      throw new FolderPathError(
        `${root} cannot be made (${errnoOf(error) ?? 'unknown error'})`,
        `make it yourself, writable for this user`,
        error,
      )
    }
  }
  if (!statSync(root).isDirectory()) throw new FolderPathError(`${root} is not a directory`, 'name a directory')
  checkAccess(root)
}

function checkAccess(root: string): void {
  try {
    accessSync(root, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    throw new FolderPathError(
      `${root} cannot be read and written by this user`,
      `correct the permissions: chmod u+rwx ${root}`,
      error,
    )
  }
}
