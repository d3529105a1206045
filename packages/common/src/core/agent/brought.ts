import { plain } from '../causal/change.ts'
import { ancestors } from '../causal/paths.ts'
import type { Entry, NodeId, RelativePath } from '../causal/types.ts'
import type { Brought, FetchItem } from './events.ts'

/** What a session is about to put on the disk, to be written down before it begins. */
export interface SessionPlan {
  readonly peer: NodeId
  readonly entries: readonly Entry[]
  /** Directories that have nothing in them here: Unison may copy them whole, with files that nobody has told us of. */
  readonly directories: readonly RelativePath[]
  /** What this replica had of the entries: what Unison puts aside of them is no edit that nobody has seen. */
  readonly replaced?: readonly Replaced[]
}

export interface Replaced {
  readonly path: RelativePath
  readonly hash: string
  readonly size: number
  readonly mtimeUs: number
}

/** Contents of this replica that a session with these items replaces. */
export function replacedBy(items: readonly FetchItem[]): Replaced[] {
  return items.flatMap(({ entry: { path }, local, transit }): Replaced[] => {
    const isFile = local !== undefined && !local.deleted && local.kind !== 'dir'
    const known = isFile ? [{ path, hash: local.hash, size: local.size, mtimeUs: local.mtimeUs }] : []
    // What a session left here before is the peer's own.
    const left = transit ? [{ path, hash: '', size: transit.size, mtimeUs: transit.mtimeUs }] : []
    return [...known, ...left]
  })
}

export function sessionPlan(
  peer: NodeId,
  items: readonly FetchItem[],
  directories: Iterable<RelativePath>,
): SessionPlan {
  return {
    peer,
    entries: items.map(({ entry }) => plain(entry)),
    directories: [...directories],
    replaced: replacedBy(items),
  }
}

/** What sessions that were cut off by a crash may have brought. */
export class CutOffSessions {
  readonly #entries = new Map<RelativePath, Brought>()
  readonly #directories = new Map<RelativePath, NodeId>()
  /** What they may have replaced, with what they brought themselves: the next one may have replaced that. */
  readonly replaced: Replaced[] = []

  get isEmpty(): boolean {
    return this.#entries.size === 0
  }

  get paths(): RelativePath[] {
    return [...this.#entries.keys()]
  }

  get directories(): RelativePath[] {
    return [...this.#directories.keys()]
  }

  add({ peer, entries, directories, replaced = [] }: SessionPlan): void {
    this.replaced.push(...replaced, ...entries)
    const hashes = new Map(replaced.flatMap(({ path, hash }) => (hash === '' ? [] : [[path, hash]])))
    for (const entry of entries) this.#entries.set(entry.path, { peer, entry, replaced: hashes.get(entry.path) })
    for (const path of directories) this.#directories.set(path, peer)
  }

  brought(path: RelativePath): Brought | undefined {
    const known = this.#entries.get(path)
    if (known) return known
    for (const ancestor of ancestors(path)) {
      const peer = this.#directories.get(ancestor)
      if (peer) return { peer, entry: undefined }
    }
    return undefined
  }

  clear(): void {
    this.#entries.clear()
    this.#directories.clear()
    this.replaced.length = 0
  }
}
