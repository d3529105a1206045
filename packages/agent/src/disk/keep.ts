import { cpSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
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
    cpSync(full, target, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true, errorOnExist: true })
    rmSync(full, { recursive: true })
  }
}

function freeName(wanted: string): string {
  let name = wanted
  for (let number = 1; lstat(name) !== undefined; number++) name = `${wanted}.${number}`
  return name
}
