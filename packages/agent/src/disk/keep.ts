import {
  closeSync,
  fsyncSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import type { StatSignature } from '@spansync/common/core/causal/types'
import { errnoOf } from '@spansync/common/runtime/errors'
import { copyBytes } from './copy-bytes.ts'
import { type KeptPlace, keptFile } from './kept-place.ts'
import {
  changed,
  checkFile,
  exchange,
  giveSecondName,
  holdDirectory,
  isFile,
  moveInto,
  moveToFree,
  takeAway,
  uniqueName,
} from './place.ts'
import { kindOf, lstat } from './stat.ts'
import { TaskError } from './task-failure.ts'

/** Takes a file away that is as `expect` says, and keeps it; throws 'changed' when it is not. It is kept before it is gone, so the end of
 *  the process loses no version, whenever it comes. */
export function removeKeeping(full: string, expect: StatSignature, place: KeptPlace): void {
  using directory = holdDirectory(full)
  const own = directory.at(full)
  checkFile(own, expect, full)
  const target = freePlace(place)
  if (!tryRename(own, target)) {
    const stranded = (taken: string): void => moveOut(taken, place)
    return withCopy({ full, own, expect, place }, () => takeAway(full, expect, unlinkSync, stranded))
  }
  if (isFile(target, expect)) return
  // Where somebody has put something else by now, it stays a version.
  moveToFree(target, own)
  throw changed(full)
}

/** Gives a finished file the name of one that is as `expect` says, and keeps that one, in the same way. */
export function replaceKeeping(finished: string, full: string, expect: StatSignature, place: KeptPlace): void {
  using directory = holdDirectory(full)
  const own = directory.at(full)
  checkFile(own, expect, full)
  const target = freePlace(place)
  if (!giveSecondName(own, target)) {
    return withCopy({ full, own, expect, place }, () => moveInto(finished, full, expect))
  }
  try {
    exchange({ finished, full, own, expect, saved: target })
  } catch (error) {
    // What still has its name is no version, whatever it is.
    if (lstat(own)?.ino === lstat(target)?.ino) rmSync(target, { force: true })
    throw error
  }
}

/** Moves whatever is at `full` to where versions are kept, also to another disk. */
export function moveOut(full: string, place: KeptPlace): void {
  if (tryRename(full, freePlace(place))) return
  // Pipes and the like hold nothing.
  if (kindOf(lstatSync(full)) !== undefined) copyOut(full, place, () => {})
  rmSync(full, { recursive: true, force: true })
}

interface Leaving {
  readonly full: string
  /** Where that is now. */
  readonly own: string
  readonly expect: StatSignature
  readonly place: KeptPlace
}

/** What is at its name as before needs no copy; one too many costs little. */
function withCopy({ full, own, expect, place }: Leaving, work: () => void): void {
  const kept = copyOut(own, place, () => checkFile(own, expect, full))
  try {
    work()
  } catch (error) {
    if (isFile(own, expect)) rmSync(kept, { force: true })
    throw error
  }
}

/** Answers where the copy is. It has another name until it is whole and has been checked, and is on its disk when this comes back. */
function copyOut(full: string, place: KeptPlace, check: () => void): string {
  let copy = join(place.directory, `${unfinishedPrefix}${uniqueName()}`)
  try {
    copyAcross(full, copy)
    check()
    const target = freePlace(place)
    renameSync(copy, target)
    copy = target
    flushNames(target, place.directory)
    return target
  } catch (error) {
    rmSync(copy, { recursive: true, force: true })
    throw error
  }
}

const unfinishedPrefix = '.unfinished-'

/** Of a copy that is no version yet. */
export function isUnfinished(name: string): boolean {
  return name.startsWith(unfinishedPrefix)
}

/** False: it is another disk. */
function tryRename(from: string, to: string): boolean {
  try {
    renameSync(from, to)
    return true
  } catch (error) {
    if (errnoOf(error) !== 'EXDEV') throw error
    return false
  }
}

/** Of each moment there is one file or one directory of a name: what has been kept as a file cannot hold another. Nothing is overwritten: the
 *  next moment is taken whose place is free. */
function freePlace(place: KeptPlace): string {
  for (let tries = 0; tries < mostTries; tries++) {
    const target = keptFile({ ...place, atMs: place.atMs + tries })
    if (makeDirectory(dirname(target)) && lstat(target) === undefined) return target
  }
  throw new TaskError('failed', `there is no free place for another version of ${place.path}`)
}

const mostTries = 1000

function makeDirectory(directory: string): boolean {
  try {
    // What other users may read in the folder they need not be able to read here.
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    return true
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST' && errnoOf(error) !== 'ENOTDIR') throw error
    return false
  }
}

/** With modification times. Links are copied as they are, wherever they lead: `cpSync` fails with one that leads nowhere. */
export function copyAcross(from: string, to: string): void {
  const stats = lstatSync(from)
  if (stats.isSymbolicLink()) {
    symlinkSync(readlinkSync(from, { encoding: 'buffer' }), to)
    lutimesSync(to, stats.atime, stats.mtime)
    return
  }
  if (stats.isDirectory()) {
    mkdirSync(to)
    for (const name of readdirSync(from)) {
      // Pipes and the like hold nothing, and to open one could take for ever.
      if (kindOf(lstatSync(join(from, name))) !== undefined) copyAcross(join(from, name), join(to, name))
    }
  } else {
    copyBytes(from, to)
    flush(to)
  }
  utimesSync(to, stats.atime, stats.mtime)
}

/** The original goes next, and may be gone for good before this disk has written anything by itself. */
function flush(file: string): void {
  const descriptor = openSync(file, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/** A name is on the disk when its directory is, and so on up to the first directory that was there before. */
function flushNames(target: string, top: string): void {
  if (named.size > mostNamed) named.clear()
  const added: string[] = []
  for (let at = dirname(target); at.startsWith(top); at = dirname(at)) {
    flushDirectory(at)
    if (named.has(at)) break
    added.push(at)
  }
  for (const at of added) named.add(at)
}

/** Directories whose own names are on the disk. */
const named = new Set<string>()
const mostNamed = 10_000

/** Windows opens no directory, and some file systems cannot: there is no more to be had. */
function flushDirectory(directory: string): void {
  if (process.platform === 'win32') return
  try {
    flush(directory)
  } catch (error) {
    if (!['EINVAL', 'EBADF', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(errnoOf(error) ?? '')) throw error
  }
}
