import { join } from 'node:path'
import type { ArrivedItem, FetchItem, Seen } from '@spansync/common/core/agent/events'
import { matches, sameBytes } from '@spansync/common/core/causal/content'
import type { DiskState, RelativePath, Row } from '@spansync/common/core/causal/types'
import { compare } from '@spansync/common/core/causal/version-vector'
import { glance, isPutInPlace, sameSignature, signatureOf } from '../disk/stat.ts'
import type { Task } from '../disk/tasks.ts'
import type { FetcherOptions } from './fetch-options.ts'
import { listBelow } from './list-below.ts'
import { isAlive, isLiveDirectory } from './live-rows.ts'

/** What a session has left on the disk. */
export class Arrivals {
  readonly #options: Omit<FetcherOptions, 'clock'>

  constructor(options: Omit<FetcherOptions, 'clock'>) {
    this.#options = options
  }

  /** Unison gives a directory that it was told to fill the other side's permissions, too. */
  async restoreModes(covers: readonly RelativePath[]): Promise<void> {
    const { disk, root, index } = this.#options
    const tasks = covers.flatMap((path): Task[] => {
      const row = index.get(path)
      const found = glance(join(root, path))
      if (!isLiveDirectory(row) || found === undefined || (found.mode & 0o777) === row.mode) return []
      return [{ op: 'chmod', path, mode: row.mode }]
    })
    if (tasks.length > 0) await disk.perform(root, tasks)
  }

  /** Reads what came; sets permissions and times right where only those are not as they should be. What is `known` was checked as it
   *  was written. */
  async verify(
    items: readonly FetchItem[],
    known: ReadonlyMap<RelativePath, DiskState>,
  ): Promise<Map<RelativePath, Seen>> {
    const { observer, disk, root, index } = this.#options
    const isOpen = ({ entry }: FetchItem): boolean =>
      !known.has(entry.path) && !isAdopted(index.get(entry.path), entry.vector)
    const open = items.filter(isOpen)
    const looked = await observer.look(
      open.map(({ entry }) => entry.path),
      'read',
    )
    const seen = new Map(looked.map((one) => [one.path, one]))
    for (const [path, disk] of known) seen.set(path, { path, local: index.get(path), disk })
    const wrong = open.filter(({ entry }) => isOnlyModeWrong(entry, seen.get(entry.path)?.disk))
    if (wrong.length > 0) {
      const tasks: Task[] = wrong.map(({ entry }) => ({ op: 'chmod', path: entry.path, mode: entry.mode }))
      await disk.perform(root, tasks)
      for (const one of await observer.look(
        wrong.map(({ entry }) => entry.path),
        'read',
      ))
        seen.set(one.path, one)
    }
    for (const { entry } of items) {
      if (seen.has(entry.path)) continue
      const row = index.get(entry.path)
      const state: DiskState | undefined = row && !row.deleted && row.stat ? { ...row, stat: row.stat } : undefined
      seen.set(entry.path, { path: entry.path, local: row, disk: state })
    }
    return seen
  }

  /** What was put in place some time ago and told to nobody: somebody may have been at it since, and what a look has seen of that is
   *  newer. */
  stillThere(landed: ReadonlyMap<RelativePath, DiskState>): [RelativePath, DiskState][] {
    return [...landed].filter(([path, { stat }]) => {
      const stats = glance(join(this.#options.root, path))
      return stats !== undefined && sameSignature(signatureOf(stats), stat)
    })
  }

  /** Content and time are the peer's, to the microsecond: nobody but a session puts that here, so its stamp need not be read. */
  isAsSent(entry: FetchItem['entry'], disk: DiskState | undefined): boolean {
    return disk !== undefined && disk.kind === 'file' && matches(entry, disk) && disk.mtimeUs === entry.mtimeUs
  }

  isTransferred(path: RelativePath): boolean {
    return isPutInPlace(join(this.#options.root, path))
  }

  /** What else lies in directories that were copied whole. */
  async extras(covers: readonly RelativePath[], items: readonly FetchItem[]): Promise<ArrivedItem[]> {
    if (covers.length === 0) return []
    const asked = new Set(items.map(({ entry }) => entry.path))
    const found = (await Promise.all(covers.map((cover) => listBelow(this.#options.root, cover)))).flat()
    const extra = found.filter((path) => !asked.has(path) && !isAlive(this.#options.index.get(path)))
    if (extra.length === 0) return []
    const seen = await this.#options.observer.look(extra, 'read')
    return seen.map((one) => ({ ...one, isTransferred: this.isTransferred(one.path) }))
  }
}

function isAdopted(row: Row | undefined, vector: Row['vector']): boolean {
  return row !== undefined && ['equal', 'ahead'].includes(compare(row.vector, vector))
}

function isOnlyModeWrong(entry: FetchItem['entry'], disk: DiskState | undefined): boolean {
  return disk !== undefined && !entry.deleted && sameBytes(entry, disk) && disk.mode !== entry.mode
}
