import { lstat as look, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { RelativePath, StatSignature } from '@spansync/common/core/causal/types'
import { orGone } from '../disk/gone.ts'
import { kindOf, lstat, signatureOf } from '../disk/stat.ts'
import { directoriesIn } from './list.ts'

/** What Unison has put aside of one path. */
export interface FoundBackup {
  readonly path: RelativePath
  readonly kind: 'file' | 'symlink'
  readonly stat: StatSignature
  /** Absolute. */
  readonly file: string
  /** 0 is the latest that Unison made; an edit that came after that has a negative one. */
  readonly age: number
}

/** Unison keeps the latest backup under the file's own name and appends this to earlier ones. */
export const backupSuffix = '.$VERSION.earlier-backup'
const earlier = /^(.+)\.(-?\d+)\.earlier-backup$/s

const below = 'unison'

/** Of a pair, so that two sessions never mix theirs. Its name is not that of a day: nobody takes it for kept versions. */
export function backupDirectory(versions: string, peer: string): string {
  return join(versions, below, encodeURIComponent(peer).replaceAll('.', '%2E'))
}

/** Where an edit goes that came after Unison had put the file aside. */
export function laterBackup(directory: string, path: RelativePath): string {
  for (let age = -1; ; age--) {
    const file = join(directory, path + backupSuffix.replace('$VERSION', String(age)))
    if (lstat(file) === undefined) return file
  }
}

/** Peers of which there may be backups. */
export async function peersWithBackups(versions: string): Promise<string[]> {
  return (await directoriesIn(join(versions, below))).map(decodeURIComponent)
}

/** The earliest of each path first. Mostly there is nothing. */
export async function findBackups(directory: string): Promise<FoundBackup[]> {
  const found: FoundBackup[] = []
  for await (const backup of walk(directory, '')) found.push(backup)
  return found.sort((left, right) => right.age - left.age)
}

async function* walk(directory: string, path: RelativePath): AsyncGenerator<FoundBackup> {
  const entries = await readdir(join(directory, path), { withFileTypes: true }).catch(orGone([]))
  for (const entry of entries) {
    const child = path === '' ? entry.name : `${path}/${entry.name}`
    if (entry.isDirectory()) yield* walk(directory, child)
    else {
      const file = join(directory, child)
      const stats = await look(file).catch(orGone(undefined))
      const kind = stats && kindOf(stats)
      if (!stats || !kind || kind === 'dir') continue
      const [, original = child, age = '0'] = earlier.exec(child) ?? []
      yield { path: original, kind, stat: signatureOf(stats), file, age: Number(age) }
    }
  }
}
