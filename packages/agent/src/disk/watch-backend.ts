import type { RelativePath } from '@spansync/common/core/causal/types'

/** What a backend reports. All calls but `failed` may come before `start` has resolved; they mean nothing then. */
export interface WatchSink {
  /** Something happened to this path; '' is the root itself. */
  changed(path: RelativePath): void
  /** A directory is watched from now on, and these are the names in it: what happened there before has made no events. */
  listed(directory: RelativePath, names: readonly string[]): void
  failed(error: unknown): void
  /** Also when the path lies below something ignored. */
  isIgnored(path: RelativePath): boolean
}

/** A way to hear of changes below a directory. */
export interface WatchBackend {
  /** Resolves when everything is watched. */
  start(): Promise<void>
  close(): Promise<void>
}
