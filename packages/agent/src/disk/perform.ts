import { mkdirSync, readdirSync, rmdirSync, symlinkSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { DiskState, RelativePath } from '@spansync/common/core/causal/types'
import { never } from '@spansync/common/core/never'
import { compileIgnore, type IgnoreMatcher } from '@spansync/common/core/policy/ignore'
import { adopt, copyTo, restore } from './copy.ts'
import { hashBytes } from './hash.ts'
import { moveOut, removeKeeping } from './keep.ts'
import { checkMarker } from './marker.ts'
import { observe } from './observe.ts'
import { moveInto, Place, setMode, setTimes, takeAway, withTemporary } from './place.ts'
import { put } from './put.ts'
import { kindOf, lstat, signatureOf } from './stat.ts'
import { failureOf, TaskError } from './task-failure.ts'
import type { Task, TaskResult } from './tasks.ts'

type TaskOf<Op extends Task['op']> = Extract<Task, { readonly op: Op }>

/** Does the tasks in order; each by itself is done or leaves the disk as it was. Throws a MarkerError when the root is not the
 *  folder (an unmounted disk): then nothing is done at all. */
export function perform(root: string, tasks: readonly Task[], ignore: readonly string[]): TaskResult[] {
  checkMarker(root)
  const { matcher } = compileIgnore(ignore)
  const place = new Place(root)
  return tasks.map((task) => {
    try {
      return { code: 'done', disk: performOne(place, task, matcher) }
    } catch (error) {
      return failureOf(error)
    }
  })
}

function performOne(place: Place, task: Task, ignore: IgnoreMatcher): DiskState | undefined {
  switch (task.op) {
    case 'remove':
      return remove(place, task)
    case 'rmdir':
      return removeDirectory(place, task, ignore)
    case 'mkdir':
      return makeDirectory(place, task)
    case 'chmod':
      return changeMode(place, task)
    case 'symlink':
      return makeLink(place, task)
    case 'copy':
      return copyTo(place, task)
    case 'adopt':
      return adopt(place, task)
    case 'restore':
      return restore(place, task)
    case 'put':
      return put(place, task)
    case 'keep':
      return copyTo(place, { ...task, from: task.path, fromExpect: task.expect, toExpect: null })
    default:
      return never(task)
  }
}

function remove(place: Place, { path, expect, keepIn }: TaskOf<'remove'>): undefined {
  const full = place.expecting(path, expect)
  if (lstat(full)?.isDirectory()) throw new TaskError('changed', `${path} is a directory now`)
  if (keepIn === undefined) takeAway(full, expect, unlinkSync)
  else removeKeeping(full, expect, keepIn)
}

function removeDirectory(place: Place, { path, keepIn }: TaskOf<'rmdir'>, ignore: IgnoreMatcher): undefined {
  const full = place.at(path)
  const stats = lstat(full)
  if (stats === undefined) throw new TaskError('gone', `${path} is not there any more`)
  if (!stats.isDirectory()) throw new TaskError('changed', `${path} is no directory any more`)
  const names = readdirSync(full)
  const others = names.filter((name) => !ignore.matchesEntry(`${path}/${name}`, name))
  const [first] = others
  const keep = first === undefined ? keepIn : undefined
  if (names.length > 0 && keep === undefined) {
    throw new TaskError('not_empty', `${path} still holds ${first ?? names[0]}`)
  }
  if (keep) for (const name of names) moveOut(join(full, name), { ...keep, path: `${keep.path}/${name}` })
  rmdirSync(full)
}

function makeDirectory(place: Place, { path, mode }: TaskOf<'mkdir'>): DiskState {
  const full = place.at(path)
  const stats = lstat(full)
  if (stats === undefined) mkdirSync(full)
  else if (!stats.isDirectory()) throw new TaskError('changed', `${path} is something else already`)
  if (mode !== undefined || stats === undefined) setMode(full, mode ?? usualMode)
  return seen(place, path)
}

function changeMode(place: Place, { path, mode, mtimeUs, expect, hash }: TaskOf<'chmod'>): DiskState {
  const full = place.expecting(path, expect)
  const stats = lstat(full)
  if (stats === undefined) throw new TaskError('gone', `${path} is not there any more`)
  setMode(full, mode)
  if (mtimeUs !== undefined && !stats.isDirectory()) setTimes(full, mtimeUs, stats.isSymbolicLink())
  return hash === undefined || expect === undefined ? seen(place, path) : known(full, hash)
}

function makeLink(place: Place, { path, target, expect }: TaskOf<'symlink'>): DiskState {
  const full = place.expecting(path, expect ?? null)
  withTemporary(full, (temporary) => {
    symlinkSync(target, temporary)
    moveInto(temporary, full, expect ?? null)
  })
  return known(full, hashBytes(target))
}

const usualMode = 0o755

/** What is there now, when its content is certain: nothing has to be read. */
function known(full: string, hash: string): DiskState {
  const stats = lstat(full)
  const kind = stats === undefined ? undefined : kindOf(stats)
  if (stats === undefined || kind === undefined) throw new TaskError('changed', `${full} was removed at once`)
  const stat = signatureOf(stats)
  return { kind, size: stat.size, mtimeUs: stat.mtimeUs, mode: kind === 'symlink' ? 0 : stat.mode, hash, stat }
}

function seen(place: Place, path: RelativePath): DiskState {
  const [observation] = observe(place.root, [{ path }]).observations
  if (observation !== undefined && 'disk' in observation && observation.disk !== undefined) return observation.disk
  throw new TaskError('changed', `${path} changed right after`)
}
