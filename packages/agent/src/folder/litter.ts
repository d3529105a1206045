import { parentOf } from '@spansync/common/core/causal/paths'
import type { Entry, NodeId, RelativePath, VersionVector } from '@spansync/common/core/causal/types'
import { covers } from '@spansync/common/core/causal/version-vector'
import type { FolderIndex } from '@spansync/common/ports'
import type { StagingRoot } from '../disk/staging.ts'
import { cleanLeftovers, targetOf } from '../unison/leftovers.ts'

export interface LitterOptions {
  readonly root: string
  /** Other roots in which sessions work for this one. */
  readonly stagingRoots: () => Promise<readonly Pick<StagingRoot, 'root'>[]>
  readonly index: Pick<FolderIndex, 'get'>
  /** Something is under way at the path: a session may be writing it. */
  readonly isClaimed: (path: RelativePath) => boolean
  /** A peer has told of a version that is to come, or none has told of anything yet. */
  readonly mayBeWanted: (path: RelativePath) => boolean
  /** The peer is there and has told of everything that it has. */
  readonly hasTold: (peer: NodeId) => boolean
}

interface Missed {
  /** Undefined: not known. */
  readonly vector: VersionVector | undefined
  /** Undefined: nobody in particular. */
  readonly peer: NodeId | undefined
}

/** What sessions that did not bring what they should may have left beside it. Unison goes on with its unfinished files, so they are
 *  worth keeping for as long as the version is wanted; but often that comes in another way, from another peer, or another version
 *  comes, and then nobody would ever take them away. */
export class Litter {
  readonly #options: LitterOptions
  /** By path, what was to come; where that is not known, any change of the path settles it. */
  readonly #open = new Map<RelativePath, Missed>()
  /** Paths with something to take away beside them. */
  readonly #due = new Set<RelativePath>()

  constructor(options: LitterOptions) {
    this.#options = options
  }

  /** These should have come from the peer, and did not. */
  async note(entries: readonly Entry[], peer: NodeId): Promise<void> {
    for (const { path, vector } of entries) this.#open.set(path, { vector, peer })
    await this.#settle(entries.map(({ path }) => path))
  }

  /** Left by an earlier life: names of temporary files, relative to the root; and whose they were to be, where that shows. */
  found(files: readonly string[], peer?: NodeId): void {
    for (const file of files) {
      const path = targetOf(file)
      if (path !== undefined && !this.#open.has(path)) this.#open.set(path, { vector: undefined, peer })
    }
  }

  /** Something may be there to be taken away. */
  get isAnyOpen(): boolean {
    return this.#open.size + this.#due.size > 0
  }

  /** What nobody waits for any more, although nothing has come, goes. */
  async review(): Promise<void> {
    for (const path of [...this.#open.keys()]) {
      if (!this.#isForgotten(path)) continue
      this.#open.delete(path)
      this.#due.add(path)
    }
    await this.#clean()
  }

  /** A scan has found these: what nobody waits for goes. Somebody may have moved the directory in which a session was at work. */
  async sweep(files: readonly string[]): Promise<void> {
    for (const file of files) {
      const path = targetOf(file)
      if (path === undefined || !this.#isForgotten(path)) continue
      this.#open.delete(path)
      this.#due.add(path)
    }
    await this.#clean()
  }

  /** The index has changed there. */
  async committed(rows: readonly { readonly path: RelativePath }[]): Promise<void> {
    if (this.#open.size === 0 && this.#due.size === 0) return
    const paths = rows.flatMap(({ path }) => (this.#open.has(path) ? [path] : []))
    for (const path of paths)
      if (this.#open.get(path)?.vector === undefined) this.#open.set(path, { vector: {}, peer: undefined })
    await this.#settle(paths)
  }

  async #settle(paths: readonly RelativePath[]): Promise<void> {
    for (const path of paths) {
      const wanted = this.#open.get(path)
      const row = this.#options.index.get(path)
      if (wanted?.vector === undefined) continue
      if (!(row && covers(row.vector, wanted.vector)) && !this.#isForgotten(path)) continue
      this.#open.delete(path)
      this.#due.add(path)
    }
    await this.#clean()
  }

  /** Nobody tells of it any more. A version that never arrived may not be part of any later one: its writer can have lost its index. While
   *  the peer that has it is away, it may still come. */
  #isForgotten(path: RelativePath): boolean {
    const peer = this.#open.get(path)?.peer
    return !this.#options.mayBeWanted(path) && (peer === undefined || this.#options.hasTold(peer))
  }

  async #clean(): Promise<void> {
    if (this.#due.size === 0) return
    const { root, stagingRoots, isClaimed } = this.#options
    const targets = new Set([...this.#due].filter((path) => !this.#open.has(path) && !isClaimed(path)))
    for (const path of targets) this.#due.delete(path)
    if (targets.size === 0) return
    const directories = [...targets].map(parentOf)
    // Also what is as young as can be.
    const options = { directories, targets, olderThanMs: 0, now: Number.POSITIVE_INFINITY }
    for (const one of [{ root }, ...(await stagingRoots())]) await cleanLeftovers(one.root, options)
  }
}
