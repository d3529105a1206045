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
}

export function sessionPlan(
  peer: NodeId,
  items: readonly FetchItem[],
  directories: Iterable<RelativePath>,
): SessionPlan {
  return { peer, entries: items.map(({ entry }) => plain(entry)), directories: [...directories] }
}

/** What sessions that were cut off by a crash may have brought. */
export class CutOffSessions {
  readonly #entries = new Map<RelativePath, Brought>()
  readonly #directories = new Map<RelativePath, NodeId>()

  get isEmpty(): boolean {
    return this.#entries.size === 0
  }

  get paths(): RelativePath[] {
    return [...this.#entries.keys()]
  }

  get directories(): RelativePath[] {
    return [...this.#directories.keys()]
  }

  add({ peer, entries, directories }: SessionPlan): void {
    for (const entry of entries) this.#entries.set(entry.path, { peer, entry })
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
  }
}
