import type { FolderId, NodeId } from '@spansync/common/core/causal/types'
import type { Plan } from '@spansync/common/core/plan/types'
import type { Clock } from '@spansync/common/ports'
import { toSpansyncError } from '@spansync/common/runtime/errors'
import type { Logger } from '@spansync/common/runtime/logger'
import type { LinkEvent, PlanSnapshot } from '../store/records.ts'
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
    const { clock, log, store, epoch } = this.#options
    const { signal } = this.#stop
    await clock.sleep(gatherMs, signal).catch(() => undefined)
    while (this.#events.length + this.#plans.size > 0) {
      const [events, plans] = [this.#events, [...this.#plans.values()]]
      this.#events = []
      this.#plans = new Map()
      try {
        if (events.length > 0) await store.links.append(events, epoch)
        if (plans.length > 0) await store.plans.add(plans, epoch)
      } catch (error) {
        const { code, remedy, retryable } = toSpansyncError(error)
        log.warn({ event: 'record.failed', code, err: error }, remedy)
        if (!retryable || signal.aborted) return
        this.#events = [...events, ...this.#events].slice(-mostWaiting)
        for (const plan of plans) if (!this.#plans.has(plan.folder)) this.#plans.set(plan.folder, plan)
        await clock.sleep(retryMs, signal).catch(() => undefined)
      }
    }
  }
}
