import type { Effect, FolderEvent } from '../core/agent/events.ts'
import type { FolderState } from '../core/agent/state.ts'
import type { FolderIndex } from '../core/causal/folder-index.ts'
import type { ReplicaId } from '../core/causal/types.ts'
import type { DeletionLimits } from '../core/policy/deletion-limits.ts'
import type { SimDisk } from './sim-disk.ts'

export type Step = (state: FolderState, event: FolderEvent) => { state: FolderState; effects: readonly Effect[] }

export interface Faults {
  /** Probability that one path of a Unison session does not arrive. */
  readonly transfer: number
  /** Probability that an own operation on the disk fails. */
  readonly apply: number
  /** Probability that the watcher misses a change. */
  readonly missedHint: number
  /** Probability that a new directory comes with all that is in it. */
  readonly whole: number
}

export const noFaults: Faults = { transfer: 0, apply: 0, missedHint: 0, whole: 0 }

/** What the agents of a world are made of. Tests put broken parts in, to see that the checks notice. */
export interface Parts {
  readonly makeIndex: (replica: ReplicaId) => FolderIndex
  /** The real one when left out. */
  readonly step?: Step | undefined
  readonly makeDisk?: (() => SimDisk) | undefined
  /** What may vanish at once; nothing is guarded when left out. */
  readonly guard?: DeletionLimits | undefined
}

/** `round`: see `resend` in the protocol. */
export type Sending = Extract<
  Effect,
  { kind: 'send_summary' | 'send_entries' | 'send_disputed' | 'send_resend' | 'send_members' }
> & {
  readonly round?: string | undefined
}
