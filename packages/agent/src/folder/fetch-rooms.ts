import type { FetchedItem, FetchItem } from '@spansync/common/core/agent/events'
import { ancestors, parentOf } from '@spansync/common/core/causal/paths'
import type { RelativePath } from '@spansync/common/core/causal/types'
import type { Task } from '../disk/tasks.ts'
import type { Covers } from './covers.ts'
import type { FetcherOptions } from './fetch-options.ts'
import { isAlive } from './live-rows.ts'

export interface Cleared {
  readonly cleared: readonly FetchItem[]
  /** By what, as far as the index knows. */
  readonly heldOpen: ReadonlyMap<FetchItem, FetchedItem['heldOpenBy']>
}

interface NewDirectory {
  readonly path: RelativePath
  readonly mode?: number
}

/** Makes room on this disk for what comes: the directories that it goes into, and none where it goes itself. */
export class FetchRooms {
  readonly #options: FetcherOptions

  constructor(options: FetcherOptions) {
    this.#options = options
  }

  /** An empty directory where a file shall be. One that is not empty stays, and the path waits; what only a session or an editor has left
   *  in it is nothing to wait for. */
  async clear(items: readonly FetchItem[]): Promise<Cleared> {
    if (items.length === 0) return { cleared: [], heldOpen: new Map() }
    const deepestFirst = [...items].sort((left, right) => (left.entry.path < right.entry.path ? 1 : -1))
    const { disk, root, keptPlace, disposable } = this.#options
    const tasks = deepestFirst.map(({ entry: { path } }): Task => ({ op: 'rmdir', path, keepIn: keptPlace(path) }))
    const results = await disk.perform(root, tasks, { ignore: disposable })
    return {
      cleared: deepestFirst.filter((_, at) => results[at]?.code === 'done'),
      heldOpen: new Map(
        deepestFirst
          .filter((_, at) => results[at]?.code === 'not_empty')
          .map((item) => [item, this.#options.index.below(item.entry.path, 1)[0] ?? 'unknown']),
      ),
    }
  }

  async restore(items: readonly FetchItem[]): Promise<void> {
    if (items.length === 0) return
    const seen = await this.#options.observer.look(items.map(({ entry }) => entry.path))
    const gone = new Set(seen.filter(({ disk }) => disk === undefined).map(({ path }) => path))
    const lost = items.filter(({ entry }) => gone.has(entry.path))
    const tasks: Task[] = lost.map(({ entry, local }) => ({
      op: 'mkdir',
      path: entry.path,
      mode: local?.mode ?? 0o755,
    }))
    await this.#options.disk.perform(this.#options.root, tasks)
  }

  /** The directories, which get their own permissions when all that belongs into them is there, and whatever is above them and the
   *  paths. */
  async makeRoom(paths: readonly RelativePath[], directories: Covers['directories']): Promise<void> {
    await this.makeParents([...paths, ...directories.map(({ path }) => path)])
    await this.#makeDirectories(directories.map(({ path, mode }) => ({ path, mode: mode | 0o700 })))
  }

  async makeParents(paths: readonly RelativePath[]): Promise<void> {
    const direct = [...new Set(paths.map(parentOf))].filter((parent) => parent !== '')
    const parents = new Set(direct.flatMap((parent) => [parent, ...ancestors(parent)]))
    const missing = [...parents].filter((parent) => !isAlive(this.#options.index.get(parent)))
    await this.#makeDirectories(missing.map((path) => ({ path })))
  }

  async #makeDirectories(wanted: readonly NewDirectory[]): Promise<void> {
    if (wanted.length === 0) return
    const outermostFirst = [...wanted].sort((left, right) => left.path.length - right.path.length)
    const tasks: Task[] = outermostFirst.map(({ path, mode }) => ({ op: 'mkdir', path, mode }))
    await this.#options.disk.perform(this.#options.root, tasks)
  }
}
