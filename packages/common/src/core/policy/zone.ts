/** A stretch of time, epoch ms, in which a zone's clocks run evenly: `untilMs` is where they are put on or back, or only how far
 *  ahead was looked. */
export interface Stretch {
  readonly fromMs: number
  readonly untilMs: number
  /** Wall clock minus UTC. */
  readonly offsetMs: number
}

export interface Zone {
  readonly name: string
  stretchAt(ms: number): Stretch
}

const dayMs = 86_400_000
/** Longer than a month, so that the end of one is mostly in the stretch at hand. */
const aheadDays = 40
const keptStretches = 8

/** Formatters of Intl cost some 50 µs and 30 KB each, and thousands of links are in few zones. Answers depend on the name alone. */
const zones = new Map<string, Zone>()

/** An IANA zone such as `Europe/Amsterdam`. Throws RangeError when Intl does not know it; see `isZone`. */
export function zoneOf(name: string): Zone {
  const known = zones.get(name)
  if (known) return known
  const zone = new IntlZone(name)
  zones.set(name, zone)
  return zone
}

export function isZone(name: string): boolean {
  try {
    zoneOf(name)
    return true
  } catch {
    return false
  }
}

/** What the clock on the wall shows, as if it were UTC. */
export function wallMs(zone: Zone, ms: number): number {
  return ms + zone.stretchAt(ms).offsetMs
}

/** The first instant after `ms` at which the calendar on the wall shows a later month. */
export function nextMonthAt(zone: Zone, ms: number): number {
  const wall = new Date(wallMs(zone, ms))
  const begins = Date.UTC(wall.getUTCFullYear(), wall.getUTCMonth() + 1, 1)
  for (let stretch = zone.stretchAt(ms); ; stretch = zone.stretchAt(stretch.untilMs)) {
    const at = begins - stretch.offsetMs
    // Where midnight is skipped the month begins with the leap.
    if (at < stretch.untilMs) return Math.max(at, stretch.fromMs)
  }
}

class IntlZone implements Zone {
  readonly name: string
  readonly #format: Intl.DateTimeFormat
  /** The newest last. */
  #stretches: readonly Stretch[] = []

  constructor(name: string) {
    this.name = name
    this.#format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      calendar: 'iso8601',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
  }

  stretchAt(ms: number): Stretch {
    const known = this.#stretches.find(({ fromMs, untilMs }) => fromMs <= ms && ms < untilMs)
    if (known) return known
    const found = this.#lookAhead(ms)
    this.#stretches = [...this.#stretches.slice(1 - keptStretches), found]
    return found
  }

  /** Day by day: nowhere are clocks put on and back again within one. */
  #lookAhead(fromMs: number): Stretch {
    const offsetMs = this.#offsetAt(fromMs)
    for (let day = 1; day <= aheadDays; day++) {
      const at = fromMs + day * dayMs
      if (this.#offsetAt(at) !== offsetMs) return { fromMs, offsetMs, untilMs: this.#leap(at - dayMs, at) }
    }
    return { fromMs, offsetMs, untilMs: fromMs + aheadDays * dayMs }
  }

  /** Halves the time between two instants with different offsets. */
  #leap(beforeMs: number, afterMs: number): number {
    const offsetMs = this.#offsetAt(beforeMs)
    let [low, high] = [Math.floor(beforeMs), Math.ceil(afterMs)]
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2)
      if (this.#offsetAt(middle) === offsetMs) low = middle
      else high = middle
    }
    return high
  }

  #offsetAt(ms: number): number {
    const whole = Math.floor(ms / 1000) * 1000
    const part: Record<string, number> = {}
    for (const { type, value } of this.#format.formatToParts(whole)) part[type] = Number(value)
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part
    return Date.UTC(year, month - 1, day, hour, minute, second) - whole
  }
}
