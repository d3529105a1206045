import {
  closeSync,
  constants,
  copyFileSync,
  fchmodSync,
  fstatSync,
  openSync,
  readSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { errnoOf } from '@spansync/common/runtime/errors'

const chunkBytes = 256 << 10
// Kept for the life of the thread; it takes no memory before its first use.
const buffer = Buffer.allocUnsafeSlow(chunkBytes)

/** Copies bytes and permissions of a file to a new one, and shares the blocks where the file system can. Throws errors of the system, EEXIST
 *  among others, and leaves nothing then. */
export function copyBytes(from: string, to: string): void {
  if (!tryClone(from, to)) copyUntilEnd(from, to)
}

/** Whatever it fails with, copying says it too, or works. */
function tryClone(from: string, to: string): boolean {
  try {
    copyFileSync(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE_FORCE)
    return true
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    return false
  }
}

/** At most what was there at first, and less when somebody cuts the file short meanwhile. Node's own `copyFile` never comes back then: it
 *  waits for the rest, and holds up its thread for good, which not even `terminate` ends. */
export function copyUntilEnd(from: string, to: string): void {
  const source = openSync(from, 'r')
  try {
    const target = openSync(to, 'wx', 0o600)
    try {
      copyAll(source, target)
    } catch (error) {
      unlinkSync(to)
      throw error
    } finally {
      closeSync(target)
    }
  } finally {
    closeSync(source)
  }
}

function copyAll(source: number, target: number): void {
  const { size, mode } = fstatSync(source)
  for (let left = size; left > 0; ) {
    const read = readSync(source, buffer, 0, Math.min(left, chunkBytes), null)
    if (read === 0) break
    for (let written = 0; written < read; ) written += writeSync(target, buffer, written, read - written)
    left -= read
  }
  setMode(target, mode & 0o7777)
}

/** Some network disks hold no permissions, and say EPERM whatever they are asked for. */
function setMode(target: number, mode: number): void {
  if ((fstatSync(target).mode & 0o7777) === mode) return
  try {
    fchmodSync(target, mode)
  } catch (error) {
    if (errnoOf(error) !== 'EPERM') throw error
  }
}
