import { lstatSync, mkdirSync, readlinkSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parentOf } from '@spansync/common/core/causal/paths'
import type { RelativePath } from '@spansync/common/core/causal/types'
import { errnoOf, messageOf } from '@spansync/common/runtime/errors'
import { copyBytes } from '../disk/copy-bytes.ts'
import type { KeptPlace } from '../disk/kept-place.ts'
import { perform } from '../disk/perform.ts'
import { lstat, signatureOf } from '../disk/stat.ts'
import type { KeptVersion } from './list.ts'

export interface Restored {
  readonly path: RelativePath
  /** Where it is now, absolute. */
  readonly to: string
  /** Why not; '' when it is. */
  readonly problem: string
}

/** Puts a version back where it was in the folder. For the agent that is an edit like any other, made now. What is there is kept. */
export function restoreInPlace(root: string, version: KeptVersion, keepIn: Omit<KeptPlace, 'path'>): Restored {
  const { path, file } = version
  const to = join(root, path)
  const parents = parentsOf(path).map((parent) => ({ op: 'mkdir', path: parent }) as const)
  const there = lstat(to)
  if (there?.isDirectory()) return { path, to, problem: 'a directory is there now' }
  const toExpect = there === undefined ? null : signatureOf(there)
  const restore = { op: 'restore', file, to: path, toExpect, keepIn: { ...keepIn, path } } as const
  const failed = perform(root, [...parents, restore], []).find((result) => result.code !== 'done')
  return { path, to, problem: failed && 'message' in failed ? failed.message : '' }
}

/** From the outermost. */
function parentsOf(path: RelativePath): RelativePath[] {
  const parent = parentOf(path)
  return parent === '' ? [] : [...parentsOf(parent), parent]
}

/** Puts a version elsewhere; nothing is ever overwritten there. */
export function restoreTo(target: string, { path, file, kind }: KeptVersion): Restored {
  try {
    mkdirSync(dirname(target), { recursive: true })
    if (kind === 'symlink') symlinkSync(readlinkSync(file, { encoding: 'buffer' }), target)
    else if (lstatSync(target, { throwIfNoEntry: false }) === undefined) copyBytes(file, target)
    else return { path, to: target, problem: 'something is there already' }
    return { path, to: target, problem: '' }
  } catch (error) {
    const problem = errnoOf(error) === 'EEXIST' ? 'something is there already' : messageOf(error)
    return { path, to: target, problem }
  }
}
