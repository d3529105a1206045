import type { Fleet } from '../lab/fleet.ts'
import { pause } from '../lab/until.ts'
import type { News } from './news.ts'

/** Minutes of the agents' calendar, from its beginning. */
export type Minute = number

/** When two machines could reach each other. */
export interface Stretch {
  readonly from: Minute
  readonly until: Minute
}

export type LinkName = `${string}-${string}`

/** A calendar on which a minute passes in some real seconds, and which links were up when. */
export class Timetable {
  readonly shows: number
  readonly minuteMs: number
  readonly #at: number
  readonly #up = new Map<LinkName, { from: Minute; until: Minute }[]>()

  /** It begins in `leadMs`; `shows` is what the agents' calendar shows then. */
  constructor({ shows, minuteMs, leadMs }: { shows: number; minuteMs: number; leadMs: number }) {
    this.shows = shows
    this.minuteMs = minuteMs
    this.#at = performance.now() + leadMs
  }

  /** For the agents' environment. */
  get variable(): string {
    return `${Math.round(performance.timeOrigin + this.#at)},${this.shows},${60_000 / this.minuteMs}`
  }

  get now(): Minute {
    return this.minuteOf(performance.now())
  }

  /** Of a time as `performance.now` gives it. */
  minuteOf(at: number): Minute {
    return (at - this.#at) / this.minuteMs
  }

  async until(minute: Minute): Promise<void> {
    await pause(Math.max(0, (minute - this.now) * this.minuteMs))
  }

  async setUp(fleet: Fleet, link: LinkName, up: boolean): Promise<void> {
    const [a = '', b = ''] = link.split('-')
    const stretches = this.#up.get(link) ?? []
    const last = stretches.at(-1)
    if (!up && last && last.until === Number.POSITIVE_INFINITY) last.until = this.now
    await fleet.lab.link(a, b).setUp(up)
    if (up) stretches.push({ from: this.now, until: Number.POSITIVE_INFINITY })
    this.#up.set(link, stretches)
  }

  /** When the news were at each machine at the latest, had each link passed them within `hopMs` whenever it was up for so long, but not
   *  while `isShut`. Machines that could not be reached are left out. */
  dueAt(news: News, hopMs: number, isShut: (link: LinkName, minute: Minute) => boolean): Map<string, Minute> {
    const hop = hopMs / this.minuteMs
    const due = new Map<string, Minute>([[news.side, this.minuteOf(news.at)]])
    // As many rounds as the longest way has links.
    for (let round = 0; round < this.#up.size; round++) {
      for (const [link, stretches] of this.#up) {
        for (const [from = '', to = ''] of [link.split('-'), link.split('-').reverse()]) {
          const here = due.get(from)
          if (here === undefined) continue
          const start = stretches
            .map((stretch) => ({ begins: Math.max(stretch.from, here), ends: stretch.until }))
            .map((stretch) => ({
              ...stretch,
              begins: skip(stretch.begins, (at) => isShut(link, at) || isShut(link, at + hop)),
            }))
            .find(({ begins, ends }) => ends - begins >= hop)
          if (start) due.set(to, Math.min(due.get(to) ?? Number.POSITIVE_INFINITY, start.begins + hop))
        }
      }
    }
    return due
  }
}

function skip(from: Minute, isShut: (at: Minute) => boolean): Minute {
  let at = from
  while (isShut(at)) at += 0.1
  return at
}
