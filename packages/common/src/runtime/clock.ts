import type { Clock } from '../ports.ts'

// Node fires a longer timer at once.
const longestTimerMs = 2 ** 31 - 1

async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  let left = ms
  do {
    const step = Math.min(Math.max(left, 0), longestTimerMs)
    await sleepOnce(step, signal)
    left -= step
  } while (left > 0)
}

function sleepOnce(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const abort = (): void => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort)
      resolve()
    }, ms)
    signal?.addEventListener('abort', abort, { once: true })
  })
}

/** For tests: how far the wall clock of this process alone is ahead of the machine's, as after somebody set it. */
const wallAheadMs = Number(process.env.SPANSYNC_WALL_AHEAD_MS ?? 0) || 0

/** The machine's own time. `now` starts out as the wall's time at the start of the process. */
export const systemClock: Clock = {
  now: () => Math.floor(performance.timeOrigin + performance.now()),
  wallNow: () => Date.now() + wallAheadMs,
  sleep,
}
