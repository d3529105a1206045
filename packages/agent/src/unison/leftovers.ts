import type { Stats } from 'node:fs'
import { lstat, readdir, rm } from 'node:fs/promises'
import { basename, sep } from 'node:path'
import { orGone } from '../disk/gone.ts'
import { markerDirectory } from '../disk/marker.ts'

export interface LeftoverOptions {
  /** Directories to look in, relative to the root; none given: the whole tree, but for what this software keeps in it. */
  readonly directories?: readonly string[] | undefined
  /** Untouched for this long. More than the watchdog of a run allows, or a slow transfer loses what it has. */
  readonly olderThanMs: number
  /** Milliseconds since 1970. */
  readonly now: number
  /** Paths relative to the root: only what was to become one of these. */
  readonly targets?: ReadonlySet<string> | undefined
  /** Of no use to anybody, however young: by its name, and by when it was last changed (ms since 1970, by the disk's own clock). */
  readonly isUseless?: ((name: string, changedMs: number) => boolean) | undefined
  /** Whether a run of the pair with this hash (`pairMemory`) is under way: then nothing of it is touched. */
  readonly isRunning?: ((hash: string) => boolean) | undefined
  readonly signal?: AbortSignal | undefined
}

export interface Leftovers {
  /** Relative to the root; names that are not UTF-8 read leniently. */
  readonly removed: readonly string[]
  /** Too young, or in use: a later run goes on with them where the last one stopped. */
  readonly kept: readonly string[]
}

interface Found {
  readonly path: Buffer
  readonly hash: string | undefined
}

const temporary = /^\.unison\.(?:.*\.)?unison\.tmp$/s
const hashOf = /\.([0-9a-f]{32})\.unison\.tmp$/

export function isLeftover(name: string): boolean {
  return temporary.test(name)
}

/** What the temporary file was to become; undefined when its name does not say. Unison cuts long names. */
export function targetOf(file: string): string | undefined {
  const [, directory = '', name] = /^(.*\/)?\.unison\.(.+)\.[0-9a-f]{32}\.unison\.tmp$/s.exec(file) ?? []
  return name === undefined ? undefined : directory + name
}

/** Removes `.unison.*.unison.tmp` files and directories that crashed runs left. Unison goes on with its own unfinished ones, so they
 *  are worth keeping for a while; but on a full disk they stand in the way. Cheap with `directories`: one listing of each. */
export async function cleanLeftovers(root: string, options: LeftoverOptions): Promise<Leftovers> {
  const removed: string[] = []
  const kept: string[] = []
  const top = Buffer.from(root)
  for await (const { path, hash } of find(top, options)) {
    options.signal?.throwIfAborted()
    const file = path.subarray(top.length + 1).toString('utf8')
    const goes = isMeant(file, options) && (await isDone(path, hash, options))
    if (goes) await rm(path, { recursive: true, force: true })
    const list = goes ? removed : kept
    list.push(file)
  }
  return { removed, kept }
}

function isMeant(file: string, { targets }: LeftoverOptions): boolean {
  return targets === undefined || targets.has(targetOf(file) ?? '')
}

async function isDone(path: Buffer, hash: string | undefined, options: LeftoverOptions): Promise<boolean> {
  if (options.isUseless !== undefined) {
    const stats = await statOf(path)
    if (stats !== undefined && options.isUseless(basename(path.toString('utf8')), stats.ctimeMs)) return true
  }
  const inUse = hash !== undefined && options.isRunning?.(hash) === true
  return !inUse && !(await isTouchedSince(path, options.now - options.olderThanMs))
}

async function* find(top: Buffer, { directories, signal }: LeftoverOptions): AsyncGenerator<Found> {
  if (directories !== undefined) {
    for (const directory of new Set(directories))
      yield* look(directory === '' ? top : join(top, Buffer.from(directory)), [])
    return
  }
  const open = [top]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    signal?.throwIfAborted()
    yield* look(next, open)
  }
}

/** Yields what is left over in one directory, and adds its other directories to `open`. */
async function* look(directory: Buffer, open: Buffer[]): AsyncGenerator<Found> {
  for (const item of await list(directory)) {
    const name = item.name.toString('latin1')
    const path = join(directory, item.name)
    if (temporary.test(name)) yield { path, hash: hashOf.exec(name)?.[1] }
    else if (item.isDirectory() && name !== markerDirectory) open.push(path)
  }
}

/** By change time: Unison sets the modification time of a finished file to that of its original. A directory is as young as the
 *  youngest thing in it. */
async function isTouchedSince(path: Buffer, since: number): Promise<boolean> {
  const stats = await statOf(path)
  if (stats === undefined) return false
  if (stats.ctimeMs > since) return true
  if (!stats.isDirectory()) return false
  for (const { name } of await list(path)) {
    if (await isTouchedSince(join(path, name), since)) return true
  }
  return false
}

async function statOf(path: Buffer): Promise<Stats | undefined> {
  return await lstat(path).catch(orGone(undefined))
}

async function list(directory: Buffer) {
  return await readdir(directory, { withFileTypes: true, encoding: 'buffer' }).catch(orGone([]))
}

function join(directory: Buffer, name: Buffer): Buffer {
  return Buffer.concat([directory, Buffer.from(sep), name])
}
