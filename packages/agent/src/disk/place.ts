import { randomInt } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  linkSync,
  lutimesSync,
  openSync,
  renameSync,
  rmSync,
  unlinkSync,
  utimesSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { threadId } from 'node:worker_threads'
import type { RelativePath, StatSignature } from '@spansync/common/core/causal/types'
import { errnoOf } from '@spansync/common/runtime/errors'
import { ParentGuard } from './parents.ts'
import { isUsablePath } from './path-rules.ts'
import { lstat, sameFile, sameSignature, signatureOf } from './stat.ts'
import { TaskError } from './task-failure.ts'

// In a container each life of a process has the same number, and what an earlier one left must not be in the way.
const life = randomInt(2 ** 40)
let made = 0

/** Several threads of one process work in a folder. */
export function uniqueName(): string {
  return [life, threadId, made++].map((number) => number.toString(36)).join('-')
}

/** The root with the checks that every write needs. */
export class Place {
  readonly root: string
  readonly #guard: ParentGuard

  constructor(root: string) {
    this.root = root
    this.#guard = new ParentGuard(root)
  }

  /** Absolute path, after making sure that the way to it is made of real directories inside the root. */
  at(path: RelativePath): string {
    if (!isUsablePath(path)) throw new TaskError('failed', `${path} is not a path inside the folder`)
    this.#guard.forget()
    const parents = this.#guard.above(path)
    if (parents === 'link') throw new TaskError('failed', `the way to ${path} leads through a symbolic link`)
    if (parents === 'absent') throw new TaskError('gone', `the directory of ${path} is not there`)
    return join(this.root, path)
  }

  /** As `at`, when the disk is as expected there; null: nothing there; undefined: whatever. */
  expecting(path: RelativePath, expect: StatSignature | null | undefined): string {
    const full = this.at(path)
    if (expect === undefined) return full
    const stats = lstat(full)
    if (expect === null) {
      if (stats !== undefined) throw new TaskError('changed', `${path} is already there`)
      return full
    }
    if (stats === undefined) throw new TaskError('gone', `${path} is not there any more`)
    if (!sameSignature(signatureOf(stats), expect)) throw new TaskError('changed', `${path} has changed meanwhile`)
    return full
  }
}

/** A name beside `full` that is always ignored, by us and by Unison. Short, so that it fits wherever the name itself does. */
export function temporaryBeside(full: string): string {
  const name = Array.from(basename(full)).slice(0, 24).join('')
  return join(dirname(full), `.unison.${name}.${uniqueName()}.spansync.unison.tmp`)
}

/** Of our own making, in this process or in another one. */
export function isOwnTemporary(name: string): boolean {
  return /\.[0-9a-z]+-[0-9a-z]+-[0-9a-z]+\.spansync\.unison\.tmp$/.test(name)
}

/** Runs `work` with a temporary name and removes whatever is left there. */
export function withTemporary<T>(full: string, work: (temporary: string) => T): T {
  const temporary = temporaryBeside(full)
  using directory = holdDirectory(full)
  try {
    return work(temporary)
  } finally {
    rmSync(directory.at(temporary), { force: true })
  }
}

export interface HeldDirectory extends Disposable {
  /** Where what bears the last name of `path` is in it. */
  at(path: string): string
}

const descriptors = '/proc/self/fd'
const showsDescriptors = process.platform === 'linux' && existsSync(descriptors)

/** The directory that `full` is in, wherever somebody moves it meanwhile, if the system shows descriptors as files. */
export function holdDirectory(full: string): HeldDirectory {
  const directory = dirname(full)
  const descriptor = showsDescriptors ? openDirectory(directory) : undefined
  const held = descriptor === undefined ? directory : join(descriptors, `${descriptor}`)
  return {
    at: (path) => join(held, basename(path)),
    [Symbol.dispose]: () => {
      if (descriptor !== undefined) closeSync(descriptor)
    },
  }
}

/** undefined: it is not there any more, or may not be read; then what is to be done in it says so itself. */
function openDirectory(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY)
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    return undefined
  }
}

/** Moves a finished file to its name; throws 'changed' rather than overwrite anything but what `expect` describes. */
export function moveInto(temporary: string, full: string, expect: StatSignature | null): void {
  if (expect === null) return moveToFree(temporary, full)
  using directory = holdDirectory(full)
  const own = directory.at(full)
  const saved = directory.at(temporaryBeside(full))
  const isLinked = giveSecondName(own, saved)
  try {
    exchange({ finished: temporary, full, own, expect, saved: isLinked ? saved : undefined })
  } finally {
    rmSync(saved, { force: true })
  }
}

export interface Exchange {
  readonly finished: string
  readonly full: string
  /** Where that is now. */
  readonly own: string
  readonly expect: StatSignature
  /** A second name of what is replaced. Without one there is only a last look. */
  readonly saved: string | undefined
}

/** Should what was replaced turn out to be something else than was expected (an edit in the last instant), it goes back. */
export function exchange({ finished, full, own, expect, saved }: Exchange): void {
  checkFile(own, expect, full)
  const inode = lstat(finished)?.ino
  renameSync(finished, own)
  if (saved === undefined || isFile(saved, expect)) return
  // Unless somebody has saved something else there since.
  if (lstat(own)?.ino === inode) renameSync(saved, own)
  throw changed(full)
}

/** False where that is not possible, as on another disk. On some systems a second name of a link is one of what it leads to. */
export function giveSecondName(full: string, name: string): boolean {
  if (process.platform === 'darwin' && lstat(full)?.isSymbolicLink()) return false
  return tryLink(full, name)
}

export function moveToFree(temporary: string, full: string): void {
  if (giveSecondName(temporary, full)) {
    unlinkSync(temporary)
    return
  }
  // No hard links here (FAT, some network disks): there is no atomic way, so only a last look.
  if (lstat(full) !== undefined) throw new TaskError('changed', `${full} is already there`)
  renameSync(temporary, full)
}

/** False when the file system knows no hard links, or it is another one. EEXIST and the like are thrown. */
function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if (cannotLink.has(errnoOf(error) ?? '')) return false
    throw error
  }
}

const cannotLink: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'ENOSYS', 'EOPNOTSUPP', 'EMLINK', 'EXDEV'])

/** Takes a name away, but only from what `expect` describes: first under another name, where nobody can change it any more. `stranded` gets
 *  what can neither go nor come back, for somebody has put something else there by now. */
export function takeAway(
  full: string,
  expect: StatSignature,
  destroy: (taken: string) => void,
  stranded?: (taken: string) => void,
): void {
  using directory = holdDirectory(full)
  const own = directory.at(full)
  const taken = directory.at(temporaryBeside(full))
  renameSync(own, taken)
  try {
    checkFile(taken, expect, full)
    destroy(taken)
  } catch (error) {
    if (lstat(taken) !== undefined) giveBack(taken, own, stranded)
    throw error
  }
}

function giveBack(taken: string, own: string, stranded: ((taken: string) => void) | undefined): void {
  try {
    moveToFree(taken, own)
  } catch (error) {
    if (stranded === undefined) throw error
    stranded(taken)
  }
}

export function isFile(full: string, expect: StatSignature): boolean {
  const stats = lstat(full)
  return stats !== undefined && sameFile(signatureOf(stats), expect)
}

/** `full`: the name that a person knows it by. */
export function checkFile(file: string, expect: StatSignature, full: string): void {
  if (!isFile(file, expect)) throw changed(full)
}

export function changed(full: string): TaskError {
  return new TaskError('changed', `${full} changed at the last moment`)
}

export function setTimes(full: string, mtimeUs: number, link = false): void {
  const seconds = mtimeUs / 1e6
  if (link) lutimesSync(full, seconds, seconds)
  else utimesSync(full, seconds, seconds)
}

/** Only when needed: an unnecessary chmod moves ctime, and then everything has to be hashed again. */
export function setMode(full: string, mode: number): void {
  const stats = lstat(full)
  if (stats === undefined || stats.isSymbolicLink()) return
  if ((stats.mode & 0o777) !== mode) chmodSync(full, (stats.mode & 0o7000) | mode)
}
