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

/** When the calendar shows `shows`, epoch ms, and how fast it goes from then on. Before, it goes as fast as the wall clock. */
export interface CalendarStart {
  readonly at: number
  readonly shows: number
  readonly rate: number
}

/** For tests: a calendar on which hours pass in minutes. It decides when something may pass, and nothing else: what measures, or waits for a
 *  peer, goes by the machine's time. Undefined for a text that is not `at,shows,rate`. */
export function parseCalendar(text: string | undefined): CalendarStart | undefined {
  const [at = Number.NaN, shows = Number.NaN, rate = Number.NaN, ...more] = (text ?? '').split(',').map(Number)
  const isUsable = [at, shows, rate].every(Number.isFinite) && rate >= 1 && more.length === 0
  return isUsable ? { at, shows, rate } : undefined
}

/** The clock's own time, or that of a calendar. A sleep is as much shorter as the calendar is faster. */
export function calendarOf(clock: Clock, start: CalendarStart | undefined): Clock {
  if (start === undefined) return clock
  const { at, shows, rate } = start
  return {
    now: () => clock.now(),
    wallNow() {
      const passed = clock.wallNow() - at
      return shows + (passed > 0 ? passed * rate : passed)
    },
    sleep: (ms, signal) => clock.sleep(ms / rate, signal),
  }
}

/** By what policies go: `SPANSYNC_CALENDAR=at,shows,rate`. */
export const systemCalendar: Clock = calendarOf(systemClock, parseCalendar(process.env.SPANSYNC_CALENDAR))

/** Which of the variables above are set to something that changes the time in this process. */
export function timeVariablesIn(env: Readonly<Record<string, string | undefined>>): string[] {
  const { SPANSYNC_CALENDAR: calendar, SPANSYNC_WALL_AHEAD_MS: ahead } = env
  return [
    ...(parseCalendar(calendar) === undefined ? [] : ['SPANSYNC_CALENDAR']),
    ...(Number(ahead ?? 0) ? ['SPANSYNC_WALL_AHEAD_MS'] : []),
  ]
}
