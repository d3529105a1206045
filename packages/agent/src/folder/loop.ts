import type { Effect, FolderEvent } from '@spansync/common/core/agent/events'
import type { FolderState } from '@spansync/common/core/agent/state'
import { step } from '@spansync/common/core/agent/step'
import type { Clock } from '@spansync/common/ports'
import { type SpansyncError, toSpansyncError } from '@spansync/common/runtime/errors'
import type { Logger } from '@spansync/common/runtime/logger'
import { Timer } from '@spansync/common/runtime/timer'
import { traceStep } from './trace.ts'

type WithoutTime<T> = T extends unknown ? Omit<T, 'at'> : never
export type Event = WithoutTime<FolderEvent>

export interface LoopOptions {
  readonly state: FolderState
  readonly clock: Clock
  readonly log: Logger
  readonly perform: (effect: Effect) => void
  /** Something may be another than before. */
  readonly changed: () => void
  /** The folder cannot go on as it is. */
  readonly failed: (error: SpansyncError, where?: string) => void
}

/** One event after the other goes through `step`, and what it decides is performed. Everything slow happens beside and comes back as an
 *  event. */
export class Loop {
  readonly #options: LoopOptions
  readonly #queue: (() => Event | undefined)[] = []
  readonly #background = new Set<Promise<void>>()
  readonly #stop = new AbortController()
  #state: FolderState
  #draining = false
  readonly #timer: Timer

  constructor(options: LoopOptions) {
    this.#options = options
    this.#state = options.state
    this.#timer = new Timer(options.clock, () => this.post({ kind: 'ticked' }))
  }

  get state(): FolderState {
    return this.#state
  }

  /** Aborted when the loop takes no more. */
  get signal(): AbortSignal {
    return this.#stop.signal
  }

  post(event: Event): void {
    this.postLater(() => event)
  }

  /** The event is made when its turn has come, of what is known then. */
  postLater(make: () => Event | undefined): void {
    if (this.#stop.signal.aborted) return
    this.#queue.push(make)
    if (this.#draining) return
    this.#draining = true
    try {
      for (let next = this.#queue.shift(); next; next = this.#queue.shift()) this.#handle(next())
    } catch (error) {
      this.#queue.length = 0
      this.#options.failed(toSpansyncError(error))
    } finally {
      this.#draining = false
    }
    this.#options.changed()
  }

  #handle(event: Event | undefined): void {
    if (!event) return
    const { clock, log, perform } = this.#options
    const { state, effects } = step(this.#state, { ...event, at: clock.now() } as FolderEvent)
    this.#state = state
    traceStep(log, event, effects)
    for (const effect of effects) perform(effect)
  }

  /** Beside the loop. */
  run(name: string, work: () => Promise<void>): void {
    const done = work()
      .catch((error) => {
        if (!this.#stop.signal.aborted) this.#options.failed(toSpansyncError(error), name)
      })
      .finally(() => this.#background.delete(done))
    this.#background.add(done)
  }

  /** Calls `step` again at that moment, ms of the clock; the earliest counts. */
  wakeAt(at: number): void {
    this.#timer.set(at)
  }

  stop(reason: Error): void {
    this.#stop.abort(reason)
    this.#timer.cancel()
  }

  /** All that ran beside has come to its end. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#background])
  }
}
