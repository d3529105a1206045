import type { Clock, FolderIndex } from '@spansync/common/ports'
import type { DiskWorker } from '../disk/disk-worker.ts'
import type { Observer } from './observer.ts'

export interface FetcherOptions {
  readonly root: string
  readonly disk: DiskWorker
  readonly index: FolderIndex
  readonly observer: Observer
  readonly clock: Clock
}
