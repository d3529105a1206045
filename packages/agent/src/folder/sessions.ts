import type { RelativePath } from '@spansync/common/core/causal/types'

export interface SessionRequest {
  /** What Unison is told to look at: files, and directories that are to come whole. */
  readonly paths: readonly RelativePath[]
  /** Those among them that are to come whole. */
  readonly covers: ReadonlySet<RelativePath>
  /** Every path is a file here already. */
  readonly onlyUpdates: boolean
  /** A file is to become a symbolic link, or the other way round. */
  readonly replacesKind: boolean
  /** Just before the session: whether this replica is still as decided. Paths that are not are left out. */
  readonly recheck: (() => Promise<readonly RelativePath[]>) | undefined
  /** In the middle of it: whether these paths (all, when none are named) show what was decided on, or already what is to come. */
  readonly isUndisturbed: ((paths?: readonly RelativePath[]) => Promise<boolean>) | undefined
  /** The root that the paths are brought to, instead of the folder; only where a session is started for them. */
  readonly staging?: string | undefined
  readonly files: number
  readonly bytes: number
  /** Failed tries of the most stubborn path. */
  readonly attempts: number
}

/** `refused`: the gentle way left something undone; the next try dictates. */
export interface SessionOutcome {
  readonly result: 'done' | 'refused' | 'failed'
  readonly reason: string
}
