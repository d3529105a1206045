/** Waiting on conditions. The only place in the tests that lets time pass. */

/** Deadlines are what a quiet machine may need; a busy one gets more. What is promised to people is measured, and compared. */
const patience = 3
/** Shorter ones are part of what is tried: that something does not come. */
const leastMs = 5000

export interface UntilOptions {
  readonly deadlineMs: number
  readonly intervalMs?: number
  /** Said when the deadline passes: what was awaited, and perhaps how far it came. */
  readonly what: string | (() => string)
  readonly signal?: AbortSignal
}

export class DeadlineError extends Error {
  override readonly name = 'DeadlineError'
}

/** Answers the first value that is not null, undefined or false. A condition that throws counts as not yet; its last error becomes
 *  the cause. Throws DeadlineError. */
export async function until<T>(
  condition: () => T | Promise<T>,
  { deadlineMs: expectedMs, intervalMs = 20, what, signal }: UntilOptions,
): Promise<Exclude<T, null | undefined | false>> {
  const deadlineMs = expectedMs < leastMs ? expectedMs : expectedMs * patience
  const start = performance.now()
  let cause: unknown
  for (;;) {
    signal?.throwIfAborted()
    try {
      const value = await condition()
      if (value !== null && value !== undefined && value !== false) return value as Exclude<T, null | undefined | false>
      cause = undefined
    } catch (error) {
      cause = error
    }
    if (performance.now() - start >= deadlineMs) {
      const text = typeof what === 'string' ? what : what()
      const reason = cause instanceof Error ? ` (${cause.message})` : ''
      throw new DeadlineError(`not within ${deadlineMs} ms: ${text}${reason}`, { cause })
    }
    await pause(intervalMs)
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
