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
  utimesSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { errnoOf } from '@spansync/common/runtime/errors'
import { copyBytes } from './copy-bytes.ts'
import { type KeptPlace, keptFile } from './kept-place.ts'
import { uniqueName } from './place.ts'
import { lstat } from './stat.ts'

/** Moves whatever is at `full` to where versions are kept, also to another disk. Nothing is overwritten: the next moment is taken whose
 *  place is free. What is there is whole: a copy that is not has another name (see `isUnfinished`). */
export function moveOut(full: string, place: KeptPlace): void {
  try {
    renameSync(full, freePlace(place))
  } catch (error) {
    if (errnoOf(error) !== 'EXDEV') throw error
    const unfinished = join(place.directory, `.unfinished-${uniqueName()}`)
    try {
      copyAcross(full, unfinished)
      renameSync(unfinished, freePlace(place))
    } finally {
      rmSync(unfinished, { recursive: true, force: true })
    }
    rmSync(full, { recursive: true })
  }
}

/** Of a copy to where versions are kept: no version yet, and no moment has this name. */
export function isUnfinished(name: string): boolean {
  return name.startsWith('.unfinished-')
}

/** Of each moment there is one file or one directory of a name: what has been kept as a file cannot hold another. */
function freePlace(place: KeptPlace): string {
  for (let atMs = place.atMs; ; atMs++) {
    const target = keptFile({ ...place, atMs })
    if (makeDirectory(dirname(target), atMs - place.atMs) && lstat(target) === undefined) return target
  }
}

const mostTries = 1000

function makeDirectory(directory: string, tries: number): boolean {
  try {
    // What other users may read in the folder they need not be able to read here.
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    return true
  } catch (error) {
    const isTaken = errnoOf(error) === 'EEXIST' || errnoOf(error) === 'ENOTDIR'
    if (!isTaken || tries >= mostTries) throw error
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
