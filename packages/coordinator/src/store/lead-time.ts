import type { Clock } from '@spansync/common/ports'

/** The time for which leading is safe. */
export interface LeadTime extends Disposable {
  readonly isOver: boolean
  /** Aborted when it is over. */
  readonly signal: AbortSignal
}

/** Starts now. Measured in two ways, and over as soon as one says so: by a sleep, which goes on when somebody sets the clock back, and by
 *  the clock, which goes on while the machine is suspended. Disposal ends the sleep. */
export function startLeadTime(clock: Clock, ms: number): LeadTime {
  const endsAt = clock.wallNow() + ms
  const over = new AbortController()
  const disposed = new AbortController()
  clock.sleep(ms, disposed.signal).then(
    () => over.abort(new Error('the time of the lease is up')),
    () => {},
  )
  return {
    get isOver() {
      return over.signal.aborted || clock.wallNow() >= endsAt
    },
    signal: over.signal,
    [Symbol.dispose]: () => disposed.abort(new Error('no longer of interest')),
  }
}
