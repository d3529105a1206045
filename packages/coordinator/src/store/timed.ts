import type { Clock } from '@spansync/common/ports'

export type Outcome<T> =
  | { readonly status: 'done'; readonly value: T }
  | { readonly status: 'failed'; readonly error: unknown }
  | { readonly status: 'late' }

/** What becomes of `work` within `ms`. Then, or when the signal is aborted, it is told to end, and is no longer waited for even when it
 *  does not. Never rejects. */
export async function timed<T>(
  options: { readonly clock: Clock; readonly ms: number; readonly work: (limit: AbortSignal) => Promise<T> },
  signal?: AbortSignal,
): Promise<Outcome<T>> {
  const { clock, ms, work } = options
  const ending = new AbortController()
  const limit = signal === undefined ? ending.signal : AbortSignal.any([ending.signal, signal])
  // Ends with the time, the signal, or the work, whichever comes first.
  const late = clock.sleep(ms, limit).then(
    (): Outcome<T> => ({ status: 'late' }),
    (error: unknown): Outcome<T> => ({ status: 'failed', error }),
  )
  try {
    return await Promise.race([outcomeOf(() => work(limit)), late])
  } finally {
    ending.abort(new Error('the time is up'))
  }
}

async function outcomeOf<T>(work: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { status: 'done', value: await work() }
  } catch (error) {
    return { status: 'failed', error }
  }
}
