import type { Stats } from 'node:fs'
import { lstatSync } from 'node:fs'
import type { Kind, StatSignature } from '@spansync/common/core/causal/types'
import { errnoOf } from '@spansync/common/runtime/errors'

/** `lstat`, with undefined when nothing is there (also when something above is no directory). */
export function lstat(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false })
  } catch (error) {
    const code = errnoOf(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw error
  }
}

/** `lstat` for a watcher, which must not fail on a path: undefined also where it cannot be looked at. */
export function glance(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false })
  } catch {
    return undefined
  }
}

/** What can be synchronised; undefined for sockets, pipes and devices. */
export function kindOf(stats: Stats): Kind | undefined {
  if (stats.isFile()) return 'file'
  if (stats.isDirectory()) return 'dir'
  return stats.isSymbolicLink() ? 'symlink' : undefined
}

export function nameOfType(stats: Stats): string {
  if (stats.isSocket()) return 'a socket'
  if (stats.isFIFO()) return 'a named pipe'
  if (stats.isBlockDevice() || stats.isCharacterDevice()) return 'a device'
  return 'of an unknown type'
}

/** A directory's times and size change with every entry in it and say nothing about itself, so they are left out. */
export function signatureOf(stats: Stats): StatSignature {
  const inode = stats.ino
  const mode = stats.mode & 0o777
  if (stats.isDirectory()) return { mtimeUs: 0, ctimeUs: 0, size: 0, inode, mode }
  return { mtimeUs: toUs(stats.mtimeMs), ctimeUs: toUs(stats.ctimeMs), size: stats.size, inode, mode }
}

/** Whether the file's times were set, as Unison does it, and not left to the system by whatever program wrote it. Unison sets whole
 *  microseconds; the system counts in nanoseconds. That the inode changed later than the content says little: a program that saves
 *  by renaming leaves the same trace. */
export function isPutInPlace(path: string): boolean {
  try {
    const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false })
    return (
      stats !== undefined && !stats.isDirectory() && stats.mtimeNs % 1000n === 0n && stats.mtimeNs !== stats.ctimeNs
    )
  } catch {
    // What cannot be looked at has come from nowhere that we know of.
    return false
  }
}

/** Whether a program wrote this content here, and it is still there as it was seen. False also when nothing can be said. */
export function isWrittenHere(path: string, seen: StatSignature): boolean {
  if (isPutInPlace(path)) return false
  const stats = glance(path)
  return stats?.isFile() === true && sameSignature(signatureOf(stats), seen)
}

export function sameSignature(left: StatSignature, right: StatSignature): boolean {
  return left.ctimeUs === right.ctimeUs && sameFile(left, right) && left.mode === right.mode
}

/** The same file with the same bytes. Unlike the whole signature it survives a rename, a link and a chmod, which move ctime. */
export function sameFile(left: StatSignature, right: StatSignature): boolean {
  return left.mtimeUs === right.mtimeUs && left.size === right.size && left.inode === right.inode
}

// A double holds the milliseconds of today to about a quarter of a microsecond.
function toUs(ms: number): number {
  // What a double cannot hold exactly, no peer would accept; it takes a date in the year 2255 or later.
  return Math.max(-Number.MAX_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, Math.round(ms * 1000)))
}
