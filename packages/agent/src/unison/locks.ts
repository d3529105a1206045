import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { errnoOf } from '@spansync/common/runtime/errors'

/** Unison's own files of a pair: archive, fingerprints, temporary and scratch archive, lock; then a hash of both roots' names. */
const memory = /^(ar|fp|tm|sc|lk)([0-9a-f]{32})$/

/** The directories of all pairs of a folder. */
export async function pairDirectories(base: string, folder: string): Promise<string[]> {
  const directory = join(base, encode(folder))
  return (await list(directory)).map((name) => join(directory, name))
}

/** The directory that a pair has for itself under the node's `unison` directory. One per folder and peer, so that what belongs to a
 *  pair can be told without asking Unison. */
export function pairDirectory(base: string, folder: string, peer: string): string {
  return join(base, encode(folder), encode(peer))
}

/** Of its runs to a root of the receiver's own: beside the pair's, so that neither disturbs the other. */
export const stagedDirectory = (unisonDir: string): string => `${unisonDir}.staged`

const encode = (name: string): string => encodeURIComponent(name).replaceAll('.', '%2E')

/** Removes locks that a killed run left. Only while holding the pair's mutex at both ends. Gives what was removed. */
export async function curePairLocks(unisonDir: string): Promise<string[]> {
  return await remove(unisonDir, (kind) => kind === 'lk')
}

/** Removes what killed runs left: the lock, and archives that were not put in place yet. Unison goes on with those only when it finds one
 *  on both hosts; without them both have their old archives, and compare what has passed since. Only while nothing runs in the
 *  directory. Gives what was removed. */
export async function curePair(unisonDir: string): Promise<string[]> {
  return await remove(unisonDir, (kind) => ['lk', 'sc', 'tm'].includes(kind))
}

/** Forgets what this host remembers of a pair; the peer must forget too, or Unison refuses with `archive_lost`. The next run starts
 *  anew: no contents are lost, and equal files are only compared. Only while holding the pair's mutex. */
export async function forgetPair(unisonDir: string): Promise<string[]> {
  return await remove(unisonDir, () => true)
}

export interface PairMemory {
  /** Part of the names of the temporary files that this host makes for the pair. */
  readonly hash: string
  readonly archiveBytes: number
}

/** What this host remembers of a pair; undefined before the first run. An entry takes about 50 bytes and its name. */
export async function pairMemory(unisonDir: string): Promise<PairMemory | undefined> {
  for (const name of await list(unisonDir)) {
    const [, kind, hash] = memory.exec(name) ?? []
    if (kind === 'ar' && hash !== undefined) return { hash, archiveBytes: (await stat(join(unisonDir, name))).size }
  }
  return undefined
}

async function remove(unisonDir: string, isMeant: (kind: string) => boolean): Promise<string[]> {
  const names = (await list(unisonDir)).filter((name) => {
    const kind = memory.exec(name)?.[1]
    return kind !== undefined && isMeant(kind)
  })
  await Promise.all(names.map((name) => rm(join(unisonDir, name), { force: true })))
  return names
}

async function list(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).sort()
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return []
    throw error
  }
}
