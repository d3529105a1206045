import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import type { RelativePath } from '@spansync/common/core/causal/types'
import { ParentGuard } from './parents.ts'
import { isUsablePath } from './path-rules.ts'

export interface GatherRequest {
  readonly path: RelativePath
  /** Bytes. */
  readonly size: number
}

/** The contents of many small files, one after the other as they were asked for. */
export interface Gathered {
  readonly bytes: ArrayBuffer
  /** False: it cannot be read, or has another size by now; then none of `bytes` is its. */
  readonly present: readonly boolean[]
}

/** Whether it is the content that is wanted is for the reader to check. */
export function gather(root: string, files: readonly GatherRequest[]): Gathered {
  const guard = new ParentGuard(root)
  const bytes = new ArrayBuffer(files.reduce((sum, { size }) => sum + size, 0))
  let at = 0
  const present = files.map(({ path, size }) => {
    const isRead = read(guard, root, path, new Uint8Array(bytes, at, size))
    if (isRead) at += size
    return isRead
  })
  return { bytes: at === bytes.byteLength ? bytes : bytes.slice(0, at), present }
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
