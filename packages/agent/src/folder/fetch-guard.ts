import { statfs } from 'node:fs/promises'
import type { FetchItem, Seen } from '@spansync/common/core/agent/events'
import { matches } from '@spansync/common/core/causal/content'
import { parentOf } from '@spansync/common/core/causal/paths'
import type { RelativePath } from '@spansync/common/core/causal/types'
import { compare } from '@spansync/common/core/causal/version-vector'
import { isUsablePath } from '../disk/path-rules.ts'
import { sameFile } from '../disk/stat.ts'
import { isLeftover } from '../unison/leftovers.ts'
import { type Covers, isBare } from './covers.ts'
import type { FetcherOptions } from './fetch-options.ts'

/** Below this no look at the free space is needed. */
const smallBytes = 64 << 10
const spareBytes = 1 << 18

/** What may still be fetched: the loop decided on what index and disk said a while ago. */
export class FetchGuard {
  readonly #options: Pick<FetcherOptions, 'root' | 'index' | 'observer'>

  constructor(options: Pick<FetcherOptions, 'root' | 'index' | 'observer'>) {
    this.#options = options
  }

  /** Leaves out what is no longer as the loop decided on: an edit that nobody has seen yet must not be overwritten. In a directory
   *  (of `untouched`) in which nothing is, there is nothing to look at either, so only the directory is. */
  async check(items: readonly FetchItem[], untouched: Iterable<RelativePath> = []): Promise<FetchItem[]> {
    const bare = await this.bareOf(untouched)
    const isAbsent = ({ entry: { path } }: FetchItem): boolean =>
      bare.has(parentOf(path)) && isUsablePath(path) && !isLeftover(path.slice(path.lastIndexOf('/') + 1))
    const looked = items.filter((item) => !isAbsent(item)).map(({ entry }) => entry.path)
    const seen = new Map((await this.#options.observer.look([...bare, ...looked])).map((one) => [one.path, one]))
    return items.filter((item) => {
      const { path } = item.entry
      const one = isAbsent(item) ? { path, local: undefined, disk: undefined } : seen.get(path)
      return one !== undefined && !matches(item.entry, one.disk) && this.#isAsDecided(item, one)
    })
  }

  /** Once more, when a session's turn has come: it may have waited behind others for long. */
  async stillAsDecided(
    { covers, paths }: Pick<Covers, 'covers' | 'paths'>,
    items: readonly FetchItem[],
  ): Promise<readonly RelativePath[]> {
    const byPath = new Map(items.map((item) => [item.entry.path, item]))
    const isCleared = (path: RelativePath): boolean => byPath.get(path)?.clear === true
    const known = paths.flatMap((path) => (isCleared(path) ? [] : (byPath.get(path) ?? [])))
    const ready = new Set((await this.check(known)).map(({ entry }) => entry.path))
    const bare = await this.bareOf(covers)
    // Where a directory was cleared away there is nothing to compare with.
    return [...bare, ...paths.filter((path) => isCleared(path) || ready.has(path))]
  }

  /** No edit has come in between. A path that has been brought meanwhile, and one that cannot be compared, count as undisturbed. */
  async isUndisturbed(items: readonly FetchItem[]): Promise<boolean> {
    const known = items.filter(({ clear }) => !clear)
    const paths = known.map(({ entry }) => entry.path)
    const seen = new Map((await this.#options.observer.look(paths)).map((one) => [one.path, one]))
    return known.every((item) => {
      const one = seen.get(item.entry.path)
      return one !== undefined && (matches(item.entry, one.disk) || this.#isAsDecided(item, one))
    })
  }

  #isAsDecided({ local, transit }: FetchItem, { path, disk }: Seen): boolean {
    if (transit && disk && sameFile(disk.stat, transit)) return true
    const row = this.#options.index.get(path)
    return compare(row?.vector ?? {}, local?.vector ?? {}) === 'equal' && matches(row, disk)
  }

  /** Leaves out what the disk has no room for: a session that fills it would fail for everything else, too. */
  async fit(items: readonly FetchItem[]): Promise<{ fitting: FetchItem[]; lack: string }> {
    const total = items.reduce((sum, { entry }) => sum + entry.size, 0)
    if (total < smallBytes) return { fitting: [...items], lack: '' }
    const { bavail, bsize } = await statfs(this.#options.root)
    let room = bavail * bsize - spareBytes
    const fitting = items.filter(({ entry }) => {
      const fits = entry.size <= Math.max(0, room)
      if (fits) room -= entry.size
      return fits || entry.size === 0
    })
    const lack =
      fitting.length === items.length
        ? ''
        : `no space left on the disk: ${total} bytes are wanted, ${bavail * bsize} are free`
    return { fitting, lack }
  }

  /** Those in which nothing is, or that are not there at all. */
  async bareOf(directories: Iterable<RelativePath>): Promise<Set<RelativePath>> {
    const { root } = this.#options
    const bare = await Promise.all([...directories].map(async (path) => ((await isBare(root, path)) ? [path] : [])))
    return new Set(bare.flat())
  }
}
