import { closeSync, openSync, readlinkSync, symlinkSync } from 'node:fs'
import type { DiskState, RelativePath, StatSignature } from '@spansync/common/core/causal/types'
import { copyBytes } from './copy-bytes.ts'
import { hashBytes, hashFile } from './hash.ts'
import { replaceKeeping } from './keep.ts'
import type { KeptPlace } from './kept-place.ts'
import { moveInto, type Place, setMode, setTimes, withTemporary } from './place.ts'
import { kindOf, lstat, sameFile, sameSignature, signatureOf } from './stat.ts'
import { TaskError } from './task-failure.ts'
import type { Task } from './tasks.ts'

type TaskOf<Op extends Task['op']> = Extract<Task, { readonly op: Op }>

interface Copy {
  readonly from: RelativePath
  readonly fromExpect: StatSignature
  readonly to: RelativePath
  readonly toExpect: StatSignature | null
  /** Absent: as the original. */
  readonly mode?: number
  readonly mtimeUs?: number
  /** Absent: whatever it is. */
  readonly hash?: string
  readonly keepIn?: KeptPlace | undefined
}

/** Copies a file or a link beside its new name, checks it there, and only then gives it the name. Shares the blocks where the file
 *  system can. */
export function copyTo(place: Place, copy: Copy): DiskState {
  const from = place.expecting(copy.from, copy.fromExpect)
  const to = place.expecting(copy.to, copy.toExpect)
  const original = lstat(from)
  const kind = original === undefined ? undefined : kindOf(original)
  // What has a hash to be checked is a file: the target of a link may have the same.
  if (original === undefined || kind === undefined || kind === 'dir' || (copy.hash !== undefined && kind !== 'file')) {
    throw new TaskError('changed', `${copy.from} is no file any more`)
  }
  const mtimeUs = copy.mtimeUs ?? copy.fromExpect.mtimeUs
  const mode = kind === 'symlink' ? 0 : (copy.mode ?? original.mode & 0o777)
  return withTemporary(to, (temporary) => {
    const hash = kind === 'symlink' ? copyLink(from, temporary) : copyFile(from, temporary)
    const after = lstat(from)
    if (after === undefined || !sameSignature(signatureOf(after), copy.fromExpect)) {
      throw new TaskError('changed', `${copy.from} changed while it was copied`)
    }
    if (copy.hash !== undefined && hash !== copy.hash) {
      throw new TaskError('changed', `${copy.from} has not the expected content`)
    }
    setMode(temporary, mode)
    setTimes(temporary, mtimeUs, kind === 'symlink')
    const { toExpect, keepIn } = copy
    return putInPlace(temporary, { full: to, to: copy.to, toExpect, keepIn, kind, mode, mtimeUs, hash })
  })
}

/** Puts a finished file in place: see the task. */
export function adopt(place: Place, task: TaskOf<'adopt'>): DiskState {
  const { file, kind = 'file', mtimeUs, hash } = task
  const to = place.expecting(task.to, task.toExpect)
  const mode = kind === 'symlink' ? 0 : task.mode
  setMode(file, mode)
  setTimes(file, mtimeUs, kind === 'symlink')
  const { toExpect, keepIn } = task
  return putInPlace(file, { full: to, to: task.to, toExpect, keepIn, kind, mode, mtimeUs, hash })
}

/** Brings a version back into the folder: see the task. */
export function restore(place: Place, { file, to, toExpect, mtimeUs, keepIn }: TaskOf<'restore'>): DiskState {
  const full = place.expecting(to, toExpect)
  const original = lstat(file)
  const kind = original === undefined ? undefined : kindOf(original)
  if (original === undefined || kind === undefined || kind === 'dir') throw new TaskError('gone', `${file} is gone`)
  const at = mtimeUs ?? Date.now() * 1000
  const mode = kind === 'symlink' ? 0 : original.mode & 0o777
  return withTemporary(full, (temporary) => {
    const hash = kind === 'symlink' ? copyLink(file, temporary) : copyFile(file, temporary)
    setMode(temporary, mode)
    setTimes(temporary, at, kind === 'symlink')
    return putInPlace(temporary, { full, to, toExpect, keepIn, kind, mode, mtimeUs: at, hash })
  })
}

interface Placing {
  readonly full: string
  readonly to: RelativePath
  readonly toExpect: StatSignature | null
  readonly keepIn: KeptPlace | undefined
  readonly kind: 'file' | 'symlink'
  readonly mode: number
  readonly mtimeUs: number
  readonly hash: string
}

/** The last step of all of them: the finished file gets its name, and what had it is kept. */
function putInPlace(finished: string, { full, to, toExpect, keepIn, ...content }: Placing): DiskState {
  const written = lstat(finished)
  if (keepIn === undefined || toExpect === null) moveInto(finished, full, toExpect)
  else replaceKeeping(finished, full, toExpect, keepIn)
  const stats = lstat(full)
  if (stats === undefined) throw new TaskError('changed', `${to} was removed at once`)
  // A program here may have written into it at once: then this hash is not its.
  if (written === undefined || !sameFile(signatureOf(stats), signatureOf(written)))
    throw new TaskError('changed', `${to} changed at once`)
  return { ...content, size: stats.size, stat: signatureOf(stats) }
}

function copyLink(from: string, to: string): string {
  const target = readlinkSync(from, { encoding: 'buffer' })
  symlinkSync(target, to)
  return hashBytes(target)
}

function copyFile(from: string, to: string): string {
  copyBytes(from, to)
  // Our own temporary, so it must be readable for the check whatever the original's mode is.
  const descriptor = openSync(to, 'r')
  try {
    const stats = lstat(to)
    const hash = stats === undefined ? undefined : hashFile(descriptor, stats.size)
    if (hash === undefined) throw new TaskError('changed', `${to} changed while it was written`)
    return hash
  } finally {
    closeSync(descriptor)
  }
}
