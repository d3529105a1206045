import type { Zone } from './zone.ts'

/** Minutes of the week from Monday 00:00, `from` before `to`. */
export interface Interval {
  readonly from: number
  readonly to: number
}

/** Sorted, and apart from each other. They count by the clock on the wall: an hour that is skipped is not there, and one that comes
 *  twice counts twice. */
export type Windows = readonly Interval[]

const dayMinutes = 1440
const weekMinutes = 7 * dayMinutes
const minuteMs = 60_000
const weekMs = weekMinutes * minuteMs
/** 1 January 1970 was a Thursday. */
const epochMs = 3 * dayMinutes * minuteMs
/** A window of one night a week can fall into a skipped hour, and is then there a week later. */
const horizonMs = 2 * weekMs + minuteMs * dayMinutes

export const always: Windows = [{ from: 0, to: weekMinutes }]

export const windowRule =
  'must be a time such as 23:00-06:00, mon-fri 08:00-18:00 or sat,sun; one that passes midnight belongs to the day it begins'

/** `always`, `23:00-06:00`, `mon-fri 08:00-18:00`, `sat,sun`; undefined for anything else. */
export function parseWindow(text: string): Windows | undefined {
  const words = text.trim().toLowerCase().split(/\s+/)
  if (words.length === 1 && words[0] === 'always') return always
  const time = words.at(-1) ?? ''
  const hours = parseHours(time)
  const days = words.length === (hours ? 2 : 1) ? parseDays(words[0] as string) : undefined
  if (!days && !(hours && words.length === 1)) return undefined
  const { from, to } = hours ?? { from: 0, to: dayMinutes }
  return unite((days ?? everyDay).map((day) => ({ from: day * dayMinutes + from, to: day * dayMinutes + to })))
}

/** Sorts and joins; what goes beyond Sunday goes on with Monday. */
export function unite(intervals: readonly Interval[]): Windows {
  const within = intervals.flatMap(({ from, to }) =>
    to <= weekMinutes
      ? [{ from, to }]
      : [
          { from, to: weekMinutes },
          { from: 0, to: to - weekMinutes },
        ],
  )
  const joined: Interval[] = []
  for (const interval of within.sort((a, b) => a.from - b.from)) {
    const last = joined.at(-1)
    if (last && interval.from <= last.to)
      joined[joined.length - 1] = { from: last.from, to: Math.max(last.to, interval.to) }
    else joined.push(interval)
  }
  return joined
}

export function isOpenAt(windows: Windows, zone: Zone, ms: number): boolean {
  return isOpenOnWall(windows, ms + zone.stretchAt(ms).offsetMs)
}

/** The first instant after `ms` at which the windows open or shut; undefined when they never do. */
export function nextFlip(windows: Windows, zone: Zone, ms: number): number | undefined {
  const isOpen = isOpenAt(windows, zone, ms)
  for (let at = ms; at - ms <= horizonMs; ) {
    const { offsetMs, untilMs } = zone.stretchAt(at)
    const next = Math.min(nextEdge(windows, at + offsetMs) - offsetMs, untilMs)
    if (isOpenAt(windows, zone, next) !== isOpen) return next
    at = next
  }
  return undefined
}

function isOpenOnWall(windows: Windows, wall: number): boolean {
  const minute = sinceMonday(wall) / minuteMs
  return windows.some(({ from, to }) => from <= minute && minute < to)
}

/** The first beginning or end after `wall`, or the next Monday. */
function nextEdge(windows: Windows, wall: number): number {
  const since = sinceMonday(wall)
  let edge = weekMs
  for (const { from, to } of windows) {
    if (from * minuteMs > since) edge = Math.min(edge, from * minuteMs)
    if (to * minuteMs > since) edge = Math.min(edge, to * minuteMs)
  }
  return wall - since + edge
}

function sinceMonday(wall: number): number {
  return (((wall + epochMs) % weekMs) + weekMs) % weekMs
}

const dayNames = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']
const everyDay = [0, 1, 2, 3, 4, 5, 6]

function parseDays(text: string): number[] | undefined {
  const days = text.split(',').map((part) => {
    const [first = -1, last = first, more] = part.split('-').map((name) => dayNames.indexOf(name))
    if (first < 0 || last < 0 || more !== undefined) return undefined
    // sat-mon passes the end of the week.
    return everyDay.slice(0, ((last - first + 7) % 7) + 1).map((step) => (first + step) % 7)
  })
  return days.some((part) => part === undefined) ? undefined : days.flatMap((part) => part ?? [])
}

function parseHours(text: string): Interval | undefined {
  const match = /^(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})$/.exec(text)
  if (match === null) return undefined
  const [, ...digits] = match
  const [fromHour = 0, fromMinute = 0, toHour = 0, toMinute = 0] = digits.map(Number)
  const [from, to] = [fromHour * 60 + fromMinute, toHour * 60 + toMinute]
  if (fromMinute > 59 || toMinute > 59 || from >= dayMinutes || to > dayMinutes || from === to) return undefined
  return { from, to: to > from ? to : to + dayMinutes }
}
