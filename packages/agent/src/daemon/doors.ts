import type { FolderId, NodeId } from '@spansync/common/core/causal/types'
import type { Work } from '@spansync/common/core/policy/priority'
import type { Clock, Link } from '@spansync/common/ports'
import type { MessageOf } from '@spansync/common/protocol/messages'
import type { FolderHost } from '../folder/folder-host.ts'
import type { LinkStatus } from '../transport/types.ts'
import type { PolicyGate } from './policy-gate.ts'
import { Precedence } from './precedence.ts'

export interface DoorsOptions {
  readonly clock: Clock
  readonly policy: Pick<PolicyGate, 'priorityOf'>
  readonly hosts: ReadonlyMap<FolderId, FolderHost>
  readonly links: ReadonlyMap<NodeId, Link>
  readonly traffic: () => readonly Pick<LinkStatus, 'node' | 'folders'>[]
}

/** A door that opens or shuts can be news to others; so many rounds settle it, and the next look is soon. */
const mostRounds = 4

/** The doors of all folders together: what one of them may do over a link depends on what the others have to pass over it. */
export class Doors {
  readonly #options: DoorsOptions
  readonly #precedence: Precedence
  /** What each connected peer says of the priority of folders. */
  readonly #theirs = new Map<NodeId, Readonly<Record<string, number>>>()
  #isReviewing = false
  #isStale = false

  constructor(options: DoorsOptions) {
    this.#options = options
    const { clock, policy } = options
    this.#precedence = new Precedence({
      clock,
      links: () => this.#foldersByLink(),
      priorityOf: (folder, peer) => policy.priorityOf(folder, peer).value + (this.#theirs.get(peer)?.[folder] ?? 0),
      workOf: (folder, peer) => this.#workOf(folder, peer),
      bytes: () => this.#streamBytes(),
    })
  }

  /** The folder of a higher priority that goes first over the link; undefined: it need not wait. */
  firstBefore(folder: FolderId, peer: NodeId): FolderId | undefined {
    return this.#precedence.firstBefore(folder, peer)
  }

  /** What this machine says of these folders, for a peer to hear. */
  prioritiesFor(peer: NodeId, folders: readonly FolderId[]): Record<FolderId, number> {
    const said = folders.map((folder) => [folder, this.#options.policy.priorityOf(folder, peer).value] as const)
    return Object.fromEntries(said.filter(([, priority]) => priority !== 0))
  }

  hear(peer: NodeId, { priorities = {} }: Pick<MessageOf<'folders'>, 'priorities'>): void {
    this.#theirs.set(peer, priorities)
  }

  linkDown(peer: NodeId): void {
    this.#theirs.delete(peer)
  }

  /** Policy may say something else than before. All folders are asked first. */
  review(): void {
    for (const host of this.#options.hosts.values()) host.doors.ask()
    this.#reviewPrecedence()
  }

  /** The folder may have something to pass, or no longer: others are let go at once. */
  folderChanged(folder: FolderId): void {
    if (this.#precedence.isNews(folder)) this.#reviewPrecedence()
  }

  #reviewPrecedence(): void {
    this.#isStale = true
    if (this.#isReviewing) return
    this.#isReviewing = true
    try {
      for (let round = 0; this.#isStale && round < mostRounds; round++) {
        this.#isStale = false
        this.#precedence.look()
        for (const host of this.#options.hosts.values()) host.doors.review()
      }
    } finally {
      this.#isReviewing = false
    }
  }

  *#foldersByLink(): Generator<readonly [NodeId, readonly FolderId[]]> {
    const { hosts, links } = this.#options
    for (const peer of links.keys()) {
      yield [peer, [...hosts].flatMap(([folder, host]) => (host.links.has(peer) ? [folder] : []))]
    }
  }

  #workOf(folder: FolderId, peer: NodeId): Work {
    const host = this.#options.hosts.get(folder)
    return host?.engine?.workWith(peer, host.doors.allowedWith(peer)) ?? 'none'
  }

  #streamBytes(): (folder: FolderId, peer: NodeId) => number {
    const links = new Map(this.#options.traffic().map(({ node, folders }) => [node, folders]))
    return (folder, peer) => {
      const { sent = 0, received = 0 } = links.get(peer)?.get(folder) ?? {}
      return sent + received
    }
  }
}
