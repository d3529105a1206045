import { join } from 'node:path'
import type { Brought, Seen } from '@spansync/common/core/agent/events'
import type { FolderState } from '@spansync/common/core/agent/state'
import { claimFlag } from '@spansync/common/core/agent/wishes'
import { isPutInPlace, isWrittenHere } from '../disk/stat.ts'
import type { PendingJournal } from './pending-journal.ts'

export interface OriginsOptions {
  readonly root: string
  readonly journal: PendingJournal
  readonly claims: () => FolderState['claims']
}

/** Whose doing what is seen on the disk may be: what a session of an earlier life brought is the peer's, not this node's own; and where one
 *  of this life may have brought something, what a program wrote is told from that. */
export class Origins {
  readonly #options: OriginsOptions

  constructor(options: OriginsOptions) {
    this.#options = options
  }

  explain(seen: readonly Seen[]): readonly Seen[] {
    const { journal, claims } = this.#options
    if (journal.cutOff.isEmpty && !claims().hasFlag(claimFlag.quarantine)) return seen
    return seen.map((one) => ({ ...one, brought: this.#broughtTo(one), isWrittenHere: this.#isWrittenHere(one) }))
  }

  #isWrittenHere({ path, disk }: Seen): boolean {
    const { root, claims } = this.#options
    if (disk?.kind !== 'file' || claims().get(path)?.stage !== 'quarantine') return false
    return isWrittenHere(join(root, path), disk.stat)
  }

  /** In a directory that was copied whole there may be something that a program here has put there, too. */
  #broughtTo({ path, disk }: Seen): Brought | undefined {
    const { root, journal } = this.#options
    const brought = journal.cutOff.brought(path)
    if (!brought || brought.entry !== undefined || disk?.kind === 'dir') return brought
    return isPutInPlace(join(root, path)) ? brought : undefined
  }
}
