import type { FetchItem } from '@spansync/common/core/agent/events'
import type { DiskState, RelativePath, StatSignature } from '@spansync/common/core/causal/types'
import type { Task } from '../disk/tasks.ts'
import type { FetcherOptions } from './fetch-options.ts'
import type { FetchRooms } from './fetch-rooms.ts'
import { expectedAt } from './live-rows.ts'

interface CopySource {
  readonly path: RelativePath
  readonly stat: StatSignature
}

/** Copies what this replica has under another name already. */
export class FetchCopies {
  readonly #options: FetcherOptions
  readonly #rooms: FetchRooms

  constructor(options: FetcherOptions, rooms: FetchRooms) {
    this.#options = options
    this.#rooms = rooms
  }

  /** Content that this replica holds under another name needs no network. */
  async make(
    items: readonly FetchItem[],
    brought: ReadonlyMap<RelativePath, DiskState> = new Map(),
  ): Promise<Set<FetchItem>> {
    // A link that leads to `x` has the hash of a file that says `x`.
    const files = [...brought].filter(([, { kind }]) => kind === 'file')
    const justCame = new Map(files.map(([path, { hash, stat }]): [string, CopySource] => [hash, { path, stat }]))
    const planned = items.flatMap((item) => {
      const isContent = item.entry.kind === 'file' && item.entry.size > 0
      const source = isContent ? (justCame.get(item.entry.hash) ?? this.#sourceOf(item)) : undefined
      return source ? [{ item, source }] : []
    })
    if (planned.length === 0) return new Set()
    await this.#rooms.makeParents(planned.map(({ item }) => item.entry.path))
    const tasks = planned.map(({ item, source }): Task => {
      const { path, mode, mtimeUs, hash } = item.entry
      const toExpect = expectedAt(this.#options.index, item)
      return {
        op: 'copy',
        from: source.path,
        fromExpect: source.stat,
        to: path,
        toExpect,
        mode,
        mtimeUs,
        hash,
        keepIn: this.#options.keptPlace(path),
      }
    })
    const results = await this.#options.disk.perform(this.#options.root, tasks)
    return new Set(planned.filter((_, at) => results[at]?.code === 'done').map(({ item }) => item))
  }

  #sourceOf({ entry }: FetchItem): CopySource | undefined {
    const rows = this.#options.index.withHash(entry.hash, 2)
    const others = rows.filter(({ kind, path }) => kind === 'file' && path !== entry.path)
    return others.flatMap(({ path, stat }) => (stat === undefined ? [] : [{ path, stat }]))[0]
  }
}

/** Of files with the same content one comes over the network, and the others are copies of it. */
export function splitTwins(items: readonly FetchItem[]): { first: FetchItem[]; twins: FetchItem[] } {
  const seen = new Set<string>()
  const first: FetchItem[] = []
  const twins: FetchItem[] = []
  for (const item of items) {
    const { kind, hash, size } = item.entry
    const isTwin = kind === 'file' && size > 0 && seen.has(hash)
    if (kind === 'file') seen.add(hash)
    if (isTwin) twins.push(item)
    else first.push(item)
  }
  return { first, twins }
}
