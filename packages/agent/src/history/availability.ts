/** One stretch after another of a link's life, added up. Times in ms since 1970. */
export interface Uptime {
  /** When it was first spoken of. */
  readonly since: number
  /** Of the stretches that are over. */
  readonly upMs: number
  /** Begin of the stretch under way; undefined while the link is down. */
  readonly upSince: number | undefined
}

export type LinkTurn = 'up' | 'moved' | 'down' | 'failed'

/** The same, with one more event counted in. A clock that was set back adds nothing. */
export function withTurn(before: Uptime | undefined, { at, what }: { at: number; what: LinkTurn }): Uptime {
  const { since, upMs, upSince } = before ?? { since: at, upMs: 0, upSince: undefined }
  if (what === 'up' || what === 'moved') return { since, upMs, upSince: upSince ?? at }
  const lasted = upSince === undefined ? 0 : Math.max(0, at - upSince)
  return { since, upMs: upMs + lasted, upSince: undefined }
}

/** Share of the time since the first event that the link was up, 0 to 1. */
export function availabilityOf({ since, upMs, upSince }: Uptime, now: number): number {
  const up = upMs + (upSince === undefined ? 0 : Math.max(0, now - upSince))
  const all = now - since
  if (all <= 0) return upSince === undefined ? 0 : 1
  return Math.min(1, up / all)
}

/** Of a link with a node that had several keys, one after the other. Undefined when none is known. */
export function together(uptimes: readonly Uptime[]): Uptime | undefined {
  const [first, ...others] = uptimes
  return others.reduce<Uptime | undefined>((sum, next) => sum && addUp(sum, next), first)
}

function addUp(one: Uptime, other: Uptime): Uptime {
  const begins = [one.upSince, other.upSince].filter((begin) => begin !== undefined)
  return {
    since: Math.min(one.since, other.since),
    upMs: one.upMs + other.upMs,
    upSince: begins.length === 0 ? undefined : Math.min(...begins),
  }
}
