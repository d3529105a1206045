import type { FolderId, NodeId } from '@spansync/common/core/causal/types'
import type {
  LinkEnds,
  LinkEvent,
  LinkRecord,
  NodeRecord,
  PlanSnapshot,
  RemovedNode,
  Report,
  Settings,
  State,
  TrafficRow,
} from './records.ts'

/** A term of leadership. Rises with every acquisition of the lease and never repeats, also when the store was restarted, emptied or
 *  restored from an old copy: it is the ms since 1970 by the store's clock, or one more than the last one where that is higher. */
export type Epoch = number & { readonly __brand: 'Epoch' }

/** Who writes. The leader is refused (FencedError) as soon as a newer epoch exists; a person's command holds no lease. */
export type Writer = Epoch | 'person'

/** How much is kept. */
export const bounds = {
  /** Latest ups and downs per link. */
  eventsPerLink: 1000,
  /** Latest plans per folder. */
  plansPerFolder: 200,
  /** A report whose session began longer ago is not counted. So ids need not be kept longer, and a report counts once for ever. */
  reportDays: 180,
  /** Sums per day are kept for two years, so that a month can be held against the same month a year before. */
  trafficDays: 750,
} as const

/** What could be read. `dropped` did not parse: written by another version, or damaged. */
export interface Loaded<T> {
  readonly items: readonly T[]
  readonly dropped: number
}

export type Acquisition =
  | { readonly status: 'acquired'; readonly epoch: Epoch }
  | { readonly status: 'held'; readonly by: string; readonly leftMs: number }

/** Who leads. Time is the store's: the clock of the Redis server, or of the one machine that the file lies on. */
export interface LeaseStore {
  /** `holder` is unique to one running process. Who holds the lease already gets a new epoch at once, for it has forgotten the old
   *  one, or its answer was lost. */
  acquire(holder: string, ttlMs: number, signal?: AbortSignal): Promise<Acquisition>
  /** Starts the time to live anew. False when the lease has run out or passed to another. */
  renew(epoch: Epoch, signal?: AbortSignal): Promise<boolean>
  /** Lets others in at once. Nothing happens when the epoch no longer holds the lease. */
  release(epoch: Epoch, signal?: AbortSignal): Promise<void>
  current(signal?: AbortSignal): Promise<LeaseHolder | undefined>
}

export interface LeaseHolder {
  readonly holder: string
  readonly epoch: Epoch
  readonly leftMs: number
}

/** Registrations. One that does not parse is a StoreDamagedError: it must not look as if the node had never been there. */
export interface NodeStore {
  /** By id. */
  list(signal?: AbortSignal): Promise<readonly NodeRecord[]>
  /** Replaces the one with the same id, which no longer counts as removed. Throws ZodError for one that could not be read again. */
  put(node: NodeRecord, by: Writer, signal?: AbortSignal): Promise<void>
  /** It is remembered in `removed`. False when it was not there. */
  remove(id: NodeId, by: Writer, signal?: AbortSignal): Promise<boolean>
  /** Those that were registered and are no longer, by id. */
  removed(signal?: AbortSignal): Promise<readonly RemovedNode[]>
}

export interface VersionedSettings {
  /** 0 until the first change, then rising by one. */
  readonly version: number
  readonly settings: Settings
}

export type Replacement =
  | { readonly status: 'replaced'; readonly version: number }
  | { readonly status: 'conflict'; readonly current: VersionedSettings }

export interface SettingsStore {
  read(signal?: AbortSignal): Promise<VersionedSettings>
  /** Only when the version still is `expected`. See `updateSettings`, which tries again. Throws ZodError for settings that could not be
   *  read again. */
  replace(
    change: { readonly expected: number; readonly settings: Settings; readonly by: Writer },
    signal?: AbortSignal,
  ): Promise<Replacement>
}

/** The last state of every node, so that a new leader starts warm. Whoever writes coalesces: one write per node and second or so. */
export interface StateStore {
  put(states: readonly State[], epoch: Epoch, signal?: AbortSignal): Promise<void>
  /** By node. */
  list(signal?: AbortSignal): Promise<Loaded<State>>
  remove(node: NodeId, by: Writer, signal?: AbortSignal): Promise<void>
}

export interface LinkStore {
  /** In any order; the same event twice is one. */
  append(events: readonly LinkEvent[], epoch: Epoch, signal?: AbortSignal): Promise<void>
  /** Events at or after `since` (ms), oldest first. `next`: where to go on, when there is more. A page holds about `limit` (10,000)
   *  events; it never parts events of the same ms. */
  events(
    query: { readonly since: number; readonly limit?: number },
    signal?: AbortSignal,
  ): Promise<Loaded<LinkEvent> & { readonly next: number | undefined }>
  putRecords(records: readonly LinkRecord[], epoch: Epoch, signal?: AbortSignal): Promise<void>
  /** By a, then b. */
  records(signal?: AbortSignal): Promise<Loaded<LinkRecord>>
  /** Forgets the record and the history of these links. */
  remove(links: readonly LinkEnds[], by: Writer, signal?: AbortSignal): Promise<void>
}

/** What became of a batch of reports: their sum is its size. */
export interface ReportTally {
  readonly added: number
  /** Counted before. */
  readonly repeated: number
  /** Began more than `reportDays` ago, or after tomorrow: the node's clock is wrong, or it was away for too long. */
  readonly misdated: number
}

export interface ReportStore {
  /** Each report counts once, whenever and however often it arrives. All or, when it fails in the middle, a part; then add the
   *  batch again. */
  add(reports: readonly Report[], epoch: Epoch, signal?: AbortSignal): Promise<ReportTally>
  /** From the day (UTC) of `since` (ms) on, by day, a, b and folder. */
  statistics(query: { readonly since: number }, signal?: AbortSignal): Promise<Loaded<TrafficRow>>
}

export interface PlanStore {
  /** Replaces the one of the same folder and ms. */
  add(snapshots: readonly PlanSnapshot[], epoch: Epoch, signal?: AbortSignal): Promise<void>
  /** At or after `since` (ms), by time, then folder. */
  list(
    query?: { readonly since?: number; readonly folder?: FolderId },
    signal?: AbortSignal,
  ): Promise<Loaded<PlanSnapshot>>
}

/** What coordinators remember and agree on. Opened by `openStore`. Everything may throw StoreUnreachableError, StoreBusyError
 *  (retryable), StoreAccessError, StoreFileError, StoreDamagedError and, after disposal, StoreClosedError. */
export interface Store extends AsyncDisposable {
  /** Its URL without the password, for messages. */
  readonly location: string
  readonly lease: LeaseStore
  readonly nodes: NodeStore
  readonly settings: SettingsStore
  readonly states: StateStore
  readonly links: LinkStore
  readonly reports: ReportStore
  readonly plans: PlanStore
}
