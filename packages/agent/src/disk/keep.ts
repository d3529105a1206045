import {
  constants,
  copyFileSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { errnoOf } from '@spansync/common/runtime/errors'
import { lstat } from './stat.ts'

/** Moves whatever is at `full` to an absolute path outside the folder, also to another disk. Nothing is overwritten: a number is
 *  appended until the name is free. */
export function moveOut(full: string, keepIn: string): void {
  mkdirSync(dirname(keepIn), { recursive: true })
  const target = freeName(keepIn)
  try {
    renameSync(full, target)
  } catch (error) {
    if (errnoOf(error) !== 'EXDEV') throw error
    copyAcross(full, target)
    rmSync(full, { recursive: true })
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
  } else copyFileSync(from, to, constants.COPYFILE_EXCL)
  utimesSync(to, stats.atime, stats.mtime)
}

function freeName(wanted: string): string {
  let name = wanted
  for (let number = 1; lstat(name) !== undefined; number++) name = `${wanted}.${number}`
  return name
}
