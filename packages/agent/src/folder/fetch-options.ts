import type { RelativePath } from '@spansync/common/core/causal/types'
import type { Clock, FolderIndex } from '@spansync/common/ports'
import type { DiskWorker } from '../disk/disk-worker.ts'
import type { KeptPlace } from '../disk/kept-place.ts'
import type { Ahead } from './ahead/ahead.ts'
import type { Observer } from './observer.ts'

export interface FetcherOptions {
  readonly root: string
  readonly disk: DiskWorker
  readonly index: FolderIndex
  readonly observer: Observer
  readonly clock: Clock
  /** Where an overwritten file of this replica is kept for a time. */
  readonly keptPlace: (path: RelativePath) => KeptPlace
  /** Patterns of what never stands in the way of a directory that is to go. */
  readonly disposable: readonly string[]
  readonly ahead: Pick<Ahead, 'has' | 'ready' | 'drop' | 'spare'>
}
