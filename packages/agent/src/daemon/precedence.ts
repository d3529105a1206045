import type { FolderId, NodeId } from '@spansync/common/core/causal/types'
import { type Contender, lookAgain, type Progress, type Work, waiting } from '@spansync/common/core/policy/priority'
import type { Clock } from '@spansync/common/ports'

export interface PrecedenceOptions {
  readonly clock: Clock
  /** Each link that is up, with the folders that pass over it. */
  readonly links: () => Iterable<readonly [NodeId, readonly FolderId[]]>
  /** Of both ends together. */
  readonly priorityOf: (folder: FolderId, peer: NodeId) => number
  readonly workOf: (folder: FolderId, peer: NodeId) => Work
  /** For one look: what the streams of a folder have carried over a link so far, both ways. */
  readonly bytes: () => (folder: FolderId, peer: NodeId) => number
}

/** Which folders wait because one of a higher priority has something to pass over the same link. */
export class Precedence {
  readonly #options: PrecedenceOptions
  /** Only of links whose folders differ in priority. */
  readonly #progress = new Map<NodeId, Map<FolderId, Progress>>()
  readonly #waiting = new Map<NodeId, ReadonlyMap<FolderId, FolderId>>()

  constructor(options: PrecedenceOptions) {
    this.#options = options
  }

  /** Whom it lets go first; undefined: it need not wait. As of the last look. */
  firstBefore(folder: FolderId, peer: NodeId): FolderId | undefined {
    return this.#waiting.get(peer)?.get(folder)
  }

  /** Somewhere a folder has come to have something to pass, or has no longer, since the last look: another look is due. */
  isNews(folder: FolderId): boolean {
    for (const [peer, known] of this.#progress) {
      const before = known.get(folder)
      if (before !== undefined && before.work !== this.#options.workOf(folder, peer)) return true
    }
    return false
  }

  look(): void {
    const { links, priorityOf, bytes } = this.#options
    let bytesOf: ReturnType<typeof bytes> | undefined
    const gone = new Set(this.#progress.keys())
    for (const [peer, folders] of links()) {
      const priorities = new Map(folders.map((folder) => [folder, priorityOf(folder, peer)]))
      if (new Set(priorities.values()).size < 2) continue
      gone.delete(peer)
      bytesOf ??= bytes()
      this.#lookAt(peer, priorities, bytesOf)
    }
    for (const peer of gone) {
      this.#progress.delete(peer)
      this.#waiting.delete(peer)
    }
  }

  #lookAt(
    peer: NodeId,
    priorities: ReadonlyMap<FolderId, number>,
    bytesOf: (folder: FolderId, peer: NodeId) => number,
  ): void {
    const { clock, workOf } = this.#options
    const now = clock.now()
    const before = this.#progress.get(peer)
    const after = new Map<FolderId, Progress>()
    const contenders: Contender[] = []
    for (const [folder, priority] of priorities) {
      const progress = lookAgain(before?.get(folder), { work: workOf(folder, peer), bytes: bytesOf(folder, peer), now })
      after.set(folder, progress)
      contenders.push({ folder, priority, ...progress })
    }
    this.#progress.set(peer, after)
    this.#waiting.set(peer, waiting(contenders, now))
  }
}
