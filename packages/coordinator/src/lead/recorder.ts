import type { FolderId, NodeId } from '@spansync/common/core/causal/types'
import type { Plan } from '@spansync/common/core/plan/types'
import type { Clock } from '@spansync/common/ports'
import { toSpansyncError } from '@spansync/common/runtime/errors'
import type { Logger } from '@spansync/common/runtime/logger'
import type { LinkEnds, LinkEvent, LinkRecord, PlanSnapshot } from '../store/records.ts'
import type { Epoch, Store } from '../store/store.ts'

export interface RecorderOptions {
  readonly store: Store
  readonly epoch: Epoch
  readonly clock: Clock
  readonly log: Logger
}

/** So much waits for the store at most; then the oldest goes: it is history for people, and the newest says most. */
const mostWaiting = 10_000
const gatherMs = 1000
const retryMs = 5000

/** Writes what happened to links and plans into the store, gathered, and whatever the store's mood. */
export class Recorder implements AsyncDisposable {
  readonly #options: RecorderOptions
  readonly #stop = new AbortController()
  #events: LinkEvent[] = []
  #plans = new Map<FolderId, PlanSnapshot>()
  #records = new Map<string, LinkRecord>()
  #removed = new Map<NodeId, readonly LinkEnds[]>()
  #writing: Promise<void> | undefined

  constructor(options: RecorderOptions) {
    this.#options = options
  }

  link([a, b]: readonly [NodeId, NodeId], up: boolean, at: number): void {
    this.#events.push({ a, b, at: Math.round(at), up })
    if (this.#events.length > mostWaiting) this.#events.shift()
    this.#begin()
  }

  /** Of several within a moment the last one is kept. */
  plan(folder: FolderId, plan: Plan | undefined, at: number): void {
    if (plan === undefined) return
    const edges = plan.edges.map(({ a, b }) => [a, b])
    this.#plans.set(folder, { folder, at: Math.round(at), plan: { edges, components: plan.components.length } })
    this.#begin()
  }

  /** What is known of these links over time, in place of what was said before. */
  records(records: readonly LinkRecord[]): void {
    for (const record of records) this.#records.set(`${record.a} ${record.b}`, record)
    if (records.length > 0) this.#begin()
  }

  /** The node no longer belongs to the network, and nothing of it is kept. `links`: those that it had. */
  removed(node: NodeId, links: readonly LinkEnds[]): void {
    const isIts = ({ a, b }: LinkEnds): boolean => a === node || b === node
    this.#events = this.#events.filter((event) => !isIts(event))
    for (const [key, record] of this.#records) if (isIts(record)) this.#records.delete(key)
    this.#removed.set(node, links)
    this.#begin()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error('closing'))
    await this.#writing
  }

  #begin(): void {
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined
    })
  }

  async #write(): Promise<void> {
    const { clock, log } = this.#options
    const { signal } = this.#stop
    await clock.sleep(gatherMs, signal).catch(() => undefined)
    while (this.#events.length + this.#plans.size + this.#records.size + this.#removed.size > 0) {
      const batch = this.#take()
      try {
        await this.#put(batch)
      } catch (error) {
        const { code, remedy, retryable } = toSpansyncError(error)
        // Somebody else leads, and writes all this down.
        if (code !== 'fenced') log.warn({ event: 'record.failed', code, err: error }, remedy)
        if (!retryable || signal.aborted) return
        this.#putBack(batch)
        await clock.sleep(retryMs, signal).catch(() => undefined)
      }
    }
  }

  #take(): Batch {
    const batch = { events: this.#events, plans: this.#plans, records: this.#records, removed: this.#removed }
    this.#events = []
    this.#plans = new Map()
    this.#records = new Map()
    this.#removed = new Map()
    return batch
  }

  /** Removals first: a node may have come back since. */
  async #put({ events, plans, records, removed }: Batch): Promise<void> {
    const { store, epoch } = this.#options
    for (const [node, links] of removed) {
      await store.links.remove(links, epoch)
      await store.states.remove(node, epoch)
    }
    if (events.length > 0) await store.links.append(events, epoch)
    if (plans.size > 0) await store.plans.add([...plans.values()], epoch)
    if (records.size > 0) await store.links.putRecords([...records.values()], epoch)
  }

  /** Behind what is newer by now. */
  #putBack({ events, plans, records, removed }: Batch): void {
    this.#events = [...events, ...this.#events].slice(-mostWaiting)
    this.#plans = new Map([...plans, ...this.#plans])
    this.#records = new Map([...records, ...this.#records])
    this.#removed = new Map([...removed, ...this.#removed])
  }
}

interface Batch {
  readonly events: LinkEvent[]
  readonly plans: Map<FolderId, PlanSnapshot>
  readonly records: Map<string, LinkRecord>
  readonly removed: Map<NodeId, readonly LinkEnds[]>
}
