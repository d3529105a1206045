import { closeSync, constants, copyFileSync, openSync, readlinkSync, symlinkSync } from 'node:fs'
import type { DiskState, RelativePath, StatSignature } from '@spansync/common/core/causal/types'
import { hashBytes, hashFile } from './hash.ts'
import { moveOut } from './keep.ts'
import { moveInto, type Place, setMode, setTimes, withTemporary } from './place.ts'
import { kindOf, lstat, sameSignature, signatureOf } from './stat.ts'
import { TaskError } from './task-failure.ts'
import type { Task } from './tasks.ts'

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
  readonly keepIn?: string | undefined
}

/** Copies a file or a link beside its new name, checks it there, and only then gives it the name. Shares the blocks where the file
 *  system can. */
export function copyTo(place: Place, copy: Copy): DiskState {
  const from = place.expecting(copy.from, copy.fromExpect)
  const to = place.expecting(copy.to, copy.toExpect)
  const original = lstat(from)
  const kind = original === undefined ? undefined : kindOf(original)
  if (original === undefined || kind === undefined || kind === 'dir') {
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
    moveInto(temporary, to, copy.toExpect, keeping(copy.keepIn))
    const stats = lstat(to)
    if (stats === undefined) throw new TaskError('changed', `${copy.to} was removed at once`)
    return { kind, size: stats.size, mtimeUs, mode, hash, stat: signatureOf(stats) }
  })
}

/** Puts a finished file in place: see the task. */
export function adopt(place: Place, task: Extract<Task, { readonly op: 'adopt' }>): DiskState {
  const { file, mode, mtimeUs, hash } = task
  const to = place.expecting(task.to, task.toExpect)
  setMode(file, mode)
  setTimes(file, mtimeUs)
  moveInto(file, to, task.toExpect, keeping(task.keepIn))
  const stats = lstat(to)
  if (stats === undefined) throw new TaskError('changed', `${task.to} was removed at once`)
  return { kind: 'file', size: stats.size, mtimeUs, mode, hash, stat: signatureOf(stats) }
}

function keeping(keepIn: string | undefined): ((overwritten: string) => void) | undefined {
  return keepIn === undefined ? undefined : (overwritten) => moveOut(overwritten, keepIn)
}

function copyLink(from: string, to: string): string {
  const target = readlinkSync(from, { encoding: 'buffer' })
  symlinkSync(target, to)
  return hashBytes(target)
}

function copyFile(from: string, to: string): string {
  copyFileSync(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
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
