import type { PolicyFacts } from './rules.ts'

/** How a replica stands towards a peer at a moment. */
export interface Standing {
  readonly now: number
  readonly digest: string
  /** Nothing is left to be done or said between the two. */
  readonly isSettled: boolean
}

interface Known {
  readonly settledDigest: string | undefined
  readonly lastSessionMs: number | undefined
  readonly unsettledSinceMs: number | undefined
}

/** When each pair was last in step after a change, and since when it is not: found by looking now and then, so it may be late by as much.
 *  Lost at a restart, which costs one wait at most. */
export class Pace {
  readonly #pairs = new Map<string, Known>()

  look(pair: string, { now, digest, isSettled }: Standing): Pick<PolicyFacts, 'lastSessionMs' | 'changes'> {
    const before = this.#pairs.get(pair)
    const known = isSettled ? inStep(before, { now, digest }) : apart(before, now)
    this.#pairs.set(pair, known)
    const { lastSessionMs, unsettledSinceMs: since } = known
    // That files have come to rest is seen to elsewhere.
    return { lastSessionMs, changes: since === undefined ? undefined : { firstAtMs: since, lastAtMs: -Infinity } }
  }
}

function inStep(before: Known | undefined, { now, digest }: Omit<Standing, 'isSettled'>): Known {
  const isNews = before?.settledDigest !== undefined && before.settledDigest !== digest
  const ended = isNews ? now : before?.lastSessionMs
  return { settledDigest: digest, lastSessionMs: ended, unsettledSinceMs: undefined }
}

function apart(before: Known | undefined, now: number): Known {
  const { settledDigest, lastSessionMs, unsettledSinceMs = now } = before ?? {}
  // What was never in step is so after its first session.
  return { settledDigest: settledDigest ?? '', lastSessionMs, unsettledSinceMs }
}
