import type { Observation } from '@spansync/common/ports'
import type { GatherRequest } from './gather.ts'
import type { ObserveLimits, ObserveRequest } from './observe.ts'
import type { ScanBatch, ScanSummary, ScanTask } from './scan.ts'
import type { Task, TaskResult } from './tasks.ts'

/** What the agent asks of a disk thread. Answered in order, each with the same id. */
export type WorkerRequest = { readonly id: number } & (
  | {
      readonly kind: 'observe'
      readonly root: string
      readonly requests: readonly ObserveRequest[]
      readonly limits: ObserveLimits
    }
  | {
      readonly kind: 'perform'
      readonly root: string
      readonly tasks: readonly Task[]
      readonly ignore: readonly string[]
    }
  | { readonly kind: 'gather'; readonly root: string; readonly files: readonly GatherRequest[] }
  | { readonly kind: 'scan'; readonly task: ScanTask; readonly control: SharedArrayBuffer }
)

export type WorkerReply = { readonly id: number } & (
  | {
      readonly kind: 'observed'
      readonly observations: readonly Observation[]
      readonly later: readonly ObserveRequest[]
    }
  | { readonly kind: 'performed'; readonly results: readonly TaskResult[] }
  | { readonly kind: 'gathered'; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'scan_batch'; readonly batch: ScanBatch }
  | { readonly kind: 'scanned'; readonly summary: ScanSummary }
  | { readonly kind: 'failed'; readonly error: WireError }
)

/** An error on its way between threads; structured cloning would drop everything but the message. */
export interface WireError {
  readonly name: string
  readonly code: string
  readonly message: string
  readonly remedy: string
  readonly retryable: boolean
}

/** Slots of the memory that a scan shares with the agent: the scanning thread cannot take messages while it works. */
export const controlSlots = { acknowledged: 0, aborted: 1 } as const
