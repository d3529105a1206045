import { closeSync, constants, copyFileSync, fchmodSync, fstatSync, openSync, readSync, writeSync } from 'node:fs'
import { errnoOf } from '@spansync/common/runtime/errors'

const chunkBytes = 256 << 10
// Kept for the life of the thread; it takes no memory before its first use.
const buffer = Buffer.allocUnsafeSlow(chunkBytes)

/** Copies bytes and permissions of a file to a new one, shares the blocks where the file system can, and ends where the file ends when it
 *  comes to that, also when somebody cuts it short meanwhile. Node's own `copyFile` never comes back then: it waits for as many bytes as
 *  there were at first, and holds up its thread for good, which not even `terminate` ends. Throws as `open` does, EEXIST among others. */
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

function copyUntilEnd(from: string, to: string): void {
  const source = openSync(from, 'r')
  try {
    const target = openSync(to, 'wx', 0o600)
    try {
      for (let read = readSync(source, buffer); read > 0; read = readSync(source, buffer)) writeAll(target, read)
      fchmodSync(target, fstatSync(source).mode & 0o7777)
    } finally {
      closeSync(target)
    }
  } finally {
    closeSync(source)
  }
}

function writeAll(target: number, length: number): void {
  for (let written = 0; written < length; ) written += writeSync(target, buffer, written, length - written)
}
