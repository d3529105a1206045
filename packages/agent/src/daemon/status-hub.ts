import type { Clock } from '@spansync/common/ports'
import type { Problem } from '@spansync/common/protocol/status'

/** Who wants to know that the status may have changed, and what concerns the node as a whole. */
export class StatusHub implements Disposable {
  readonly startedAt: number
  readonly #listeners = new Set<() => void>()
  #configProblem: Problem | undefined

  constructor(clock: Clock) {
    this.startedAt = clock.now()
  }

  get problems(): Problem[] {
    return this.#configProblem ? [this.#configProblem] : []
  }

  setConfigProblem(problem: Problem | undefined): void {
    this.#configProblem = problem
    this.changed()
  }

  changed(): void {
    for (const listener of this.#listeners) listener()
  }

  listen(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  [Symbol.dispose](): void {
    this.#listeners.clear()
  }
}
