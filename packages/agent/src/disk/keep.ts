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
  checkReplaced,
  giveSecondName,
  holdDirectory,
  isFile,
  moveInto,
  moveToFree,
  takeAway,
  uniqueName,
} from './place.ts'
import { lstat } from './stat.ts'
import { TaskError } from './task-failure.ts'

/** Takes a file away that is as `expect` says, and keeps it; throws 'changed' when it is not. It is kept before it is gone, so the end of
 *  the process costs nothing, whenever it comes. */
export function removeKeeping(full: string, expect: StatSignature, place: KeptPlace): void {
  using directory = holdDirectory(full)
  const own = directory.at(full)
  const target = freePlace(place)
  if (tryRename(own, target)) {
    if (isFile(target, expect)) return
    moveToFree(target, own)
    throw new TaskError('changed', `${full} changed at the last moment`)
  }
  withCopy(full, place, () => takeAway(full, expect, unlinkSync))
}

/** Gives a finished file the name of one that is as `expect` says, and keeps that one: the same promises. */
export function replaceKeeping(finished: string, full: string, expect: StatSignature, place: KeptPlace): void {
  const target = freePlace(place)
  if (!giveSecondName(full, target)) return withCopy(full, place, () => moveInto(finished, full, expect))
  try {
    renameSync(finished, full)
  } catch (error) {
    rmSync(target, { force: true })
    throw error
  }
  checkReplaced(target, full, expect)
}

/** Moves whatever is at `full` to where versions are kept, also to another disk. */
export function moveOut(full: string, place: KeptPlace): void {
  if (tryRename(full, freePlace(place))) return
  copyOut(full, place)
  rmSync(full, { recursive: true, force: true })
}

/** What is not done after all needs no copy. */
function withCopy(full: string, place: KeptPlace, work: () => void): void {
  const kept = copyOut(full, place)
  try {
    work()
  } catch (error) {
    rmSync(kept, { force: true })
    throw error
  }
}

/** Answers where the copy is. It has another name until it is whole, and is on its disk when this comes back. */
function copyOut(full: string, place: KeptPlace): string {
  const unfinished = join(place.directory, `${unfinishedPrefix}${uniqueName()}`)
  try {
    copyAcross(full, unfinished)
    const target = freePlace(place)
    renameSync(unfinished, target)
    for (let at = dirname(target); at.startsWith(place.directory); at = dirname(at)) flushDirectory(at)
    return target
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true })
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
    if (makeDirectory(dirname(target), tries) && lstat(target) === undefined) return target
  }
  throw new TaskError('failed', `there is no free place for another version of ${place.path}`)
}

const mostTries = 1000

function makeDirectory(directory: string, tries: number): boolean {
  try {
    // What other users may read in the folder they need not be able to read here.
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    return true
  } catch (error) {
    const isTaken = errnoOf(error) === 'EEXIST' || errnoOf(error) === 'ENOTDIR'
    if (!isTaken || tries === mostTries - 1) throw error
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
    for (const name of readdirSync(from)) copyAcross(join(from, name), join(to, name))
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

/** A name is on the disk when its directory is. Windows opens no directory, and some file systems say EINVAL: there is no more to be had. */
function flushDirectory(directory: string): void {
  if (process.platform === 'win32') return
  try {
    flush(directory)
  } catch (error) {
    if (errnoOf(error) !== 'EINVAL') throw error
  }
}
