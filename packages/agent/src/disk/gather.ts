import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import type { RelativePath } from '@spansync/common/core/causal/types'
import { ParentGuard } from './parents.ts'
import { isUsablePath } from './path-rules.ts'

export interface GatherRequest {
  readonly path: RelativePath
  /** Bytes; undefined: it is known to be absent. */
  readonly size: number | undefined
}

/** Before each content stands its length in four bytes, high byte first; this instead where there is none. */
export const absentFile = 0xffff_ffff
export const headBytes = 4

/** The contents of many small files in the order they were asked for, each behind its length. One that cannot be read, or has another
 *  size by now, is absent. Whether it is the content that is wanted is for the reader to check. */
export function gather(root: string, files: readonly GatherRequest[]): Uint8Array<ArrayBuffer> {
  const guard = new ParentGuard(root)
  const most = files.reduce((sum, { size = 0 }) => sum + headBytes + size, 0)
  const bytes = new Uint8Array(most)
  const view = new DataView(bytes.buffer)
  let at = 0
  for (const { path, size } of files) {
    const start = at + headBytes
    const isRead = size !== undefined && read(guard, root, path, bytes.subarray(start, start + size))
    view.setUint32(at, isRead ? size : absentFile)
    at = isRead ? start + size : start
  }
  return bytes.subarray(0, at)
}

function read(guard: ParentGuard, root: string, path: RelativePath, into: Uint8Array): boolean {
  try {
    if (!isUsablePath(path) || guard.above(path) !== 'real') return false
    const descriptor = openSync(join(root, path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    try {
      const stats = fstatSync(descriptor)
      return stats.isFile() && stats.size === into.length && fill(descriptor, into)
    } finally {
      closeSync(descriptor)
    }
  } catch {
    // Removed, or not to be read: the one who asked is told that it is not there, and asks for it in another way, which says why.
    return false
  }
}

function fill(descriptor: number, into: Uint8Array): boolean {
  for (let at = 0; at < into.length; ) {
    const count = readSync(descriptor, into, at, into.length - at, at)
    if (count === 0) return false
    at += count
  }
  return true
}
