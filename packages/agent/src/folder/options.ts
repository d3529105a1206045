import type { CommitRow } from '@spansync/common/core/agent/events'
import type { HoldsBack } from '@spansync/common/core/agent/state'
import type { Folding } from '@spansync/common/core/causal/folding'
import type { FolderId, NodeId, RelativePath, VersionVector } from '@spansync/common/core/causal/types'
import type { DeletionLimits } from '@spansync/common/core/policy/deletion-limits'
import type { FileRules } from '@spansync/common/core/policy/filter'
import type { IgnoreMatcher } from '@spansync/common/core/policy/ignore'
import type { Clock, Hint } from '@spansync/common/ports'
import type { SpansyncError } from '@spansync/common/runtime/errors'
import type { Logger } from '@spansync/common/runtime/logger'
import type { DiskWorker } from '../disk/disk-worker.ts'
import type { SessionOutcome, SessionRequest } from './sessions.ts'

/** One session that this replica wanted, for the statistics. */
export interface FetchRecord {
  readonly folder: FolderId
  readonly peer: NodeId
  /** That came over the link, and their bytes. */
  readonly files: number
  readonly bytes: number
  /** Ms since 1970. */
  readonly startedAt: number
  readonly durationMs: number
  readonly outcome: 'done' | 'refused' | 'failed'
  readonly reason: string
}

export interface FolderEngineOptions {
  readonly self: NodeId
  /** The ids that this node had before. */
  readonly formerSelves: readonly NodeId[]
  /** How often this replica tells other members what it has. */
  readonly wordEveryMs: number
  readonly folder: FolderId
  readonly root: string
  readonly indexFile: string
  readonly nodeName: string
  /** See ApplierOptions. */
  readonly disposable: readonly string[]
  readonly matcher: IgnoreMatcher
  /** Files that they leave out are not looked at here, and not taken from peers. */
  readonly files: FileRules
  /** Stands for what this node ignores beyond the usual, and for `files`. */
  readonly scope: string
  readonly versionsDirectory: string
  /** Names that the file system does not tell apart; undefined when it tells all apart. */
  readonly folding: Folding | undefined
  readonly disk: DiskWorker
  readonly clock: Clock
  readonly log: Logger
  /** A path to look at once it has settled. */
  readonly hint: (hint: Hint) => void
  /** Some peer, perhaps one that is away, has said that it knows this version. */
  readonly isHeld: (vector: VersionVector) => boolean
  /** What may vanish at once without a person's word. */
  readonly guard: DeletionLimits
  /** A scan of everything is under way, or has not begun yet. */
  readonly isScanning: () => boolean
  /** Changes on the disk have been noticed that nobody has looked at yet. */
  readonly hasHints: () => boolean
  /** What policy holds back from the peer, as it is in force. */
  readonly holdsBack: (peer: NodeId) => HoldsBack | undefined
  /** Runs Unison with a peer, on whichever side can. */
  readonly session: (peer: NodeId, request: SessionRequest) => Promise<SessionOutcome>
  /** Ends what is under way with the peer. */
  readonly stopSession: (peer: NodeId) => void
  /** These paths came through a session of Unison with this peer. */
  /** The session that runs with the peer would bring this. */
  readonly isQuick: (peer: NodeId, request: SessionRequest) => boolean
  readonly byUnison: (peer: NodeId, paths: readonly RelativePath[]) => void
  /** Files have passed between this replica and the peer without Unison. */
  readonly parcelled: (peer: NodeId) => void
  /** These have been put in place from a parcel, or are not to come in one any more. */
  readonly unpacked: (paths: readonly RelativePath[]) => void
  readonly committed: (rows: readonly CommitRow[]) => void
  readonly fetched: (record: FetchRecord) => void
  /** Something in the status may have changed. */
  readonly changed: () => void
  /** The folder cannot go on as it is. */
  readonly failed: (error: SpansyncError, where?: string) => void
}
