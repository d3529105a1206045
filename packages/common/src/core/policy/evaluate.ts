import { type PolicyFacts, type Question, questionOf, type Reason, rules } from './rules.ts'
import type { Place, Policy } from './settings.ts'
import { isOpenAt, nextFlip } from './windows.ts'

export interface Warning {
  readonly code: 'data_cap_near'
  readonly where: Place
  readonly message: string
}

export interface Evaluation {
  readonly allowed: boolean
  /** Everything that stands in the way; none when allowed. */
  readonly reasons: readonly Reason[]
  readonly warnings: readonly Warning[]
  /** The first instant, epoch ms, at which `allowed` or the rate will be another if nothing but the time changes; undefined: never.
   *  So while nothing may pass, it is when it may. */
  readonly nextChangeAt?: number | undefined
  /** Undefined when not allowed, and when it is not limited. */
  readonly rateBytesPerSecond?: number | undefined
  readonly priority: number
}

/** May a folder pass over a link now, how fast, and until when? Pure: equal policy and facts give an equal answer everywhere. Throws
 *  RangeError for a time zone that Intl does not know. */
export function evaluate(policy: Policy, facts: PolicyFacts): Evaluation {
  const question = questionOf(policy, facts)
  const decision = decide(question)
  return {
    allowed: decision.allowed,
    reasons: decision.reasons,
    warnings: warningsOf(policy, facts),
    nextChangeAt: nextChange(question, decision),
    rateBytesPerSecond: decision.rate,
    priority: policy.priority.value,
  }
}

/** Whether it may pass now; the same as `evaluate` says, and no more than that. */
export function isAllowed(policy: Policy, facts: PolicyFacts): boolean {
  const question = questionOf(policy, facts)
  return rules.every((rule) => rule(question).allowed)
}

/** What may pass over a link in a second, whatever the rest of the policy says. */
export function rateOf(policy: Policy, facts: PolicyFacts): number | undefined {
  return rateAt(questionOf(policy, facts)).rate
}

/** The first instant, epoch ms, at which the rate may be another, either way; undefined: never. */
export function rateUntil(policy: Policy, facts: PolicyFacts): number | undefined {
  return policy.rates.value.length === 0 ? undefined : rateAt(questionOf(policy, facts)).untilMs
}

interface Decision {
  readonly allowed: boolean
  readonly reasons: readonly Reason[]
  readonly rate: number | undefined
  /** Nothing of this changes before; undefined: ever. */
  readonly untilMs: number | undefined
}

function decide(question: Question): Decision {
  const reasons: Reason[] = []
  const ends: (number | undefined)[] = []
  const openEnds: number[] = []
  for (const rule of rules) {
    const verdict = rule(question)
    if (!verdict.allowed) {
      reasons.push(verdict.reason)
      ends.push(verdict.untilMs)
    } else if (verdict.untilMs !== undefined) openEnds.push(verdict.untilMs)
  }
  // All of them must be out of the way.
  if (reasons.length > 0) return { allowed: false, reasons, rate: undefined, untilMs: last(ends) }
  const { rate, untilMs } = rateAt(question)
  return { allowed: true, reasons, rate, untilMs: first([...openEnds, ...(untilMs === undefined ? [] : [untilMs])]) }
}

/** Rules flip one after the other, and a window may shut before a month begins: so each time the next instant is tried. */
const mostFlips = 64

function nextChange(question: Question, now: Decision): number | undefined {
  let { untilMs } = now
  for (let flips = 0; untilMs !== undefined && flips < mostFlips; flips++) {
    const then: Decision = decide({ ...question, at: untilMs })
    if (then.allowed !== now.allowed || then.rate !== now.rate) return untilMs
    untilMs = then.untilMs
  }
  return undefined
}

function rateAt({ policy: { rates }, facts: { flow }, zone, at }: Question): Pick<Decision, 'rate' | 'untilMs'> {
  const flips: number[] = []
  for (const { during, sendBps, receiveBps } of rates.value) {
    const flip = during && nextFlip(during, zone, at)
    if (flip !== undefined) flips.push(flip)
    if (during === undefined || isOpenAt(during, zone, at)) {
      return { rate: flow === 'send' ? sendBps : receiveBps, untilMs: first(flips) }
    }
  }
  return { rate: undefined, untilMs: first(flips) }
}

function warningsOf({ dataCap: { value, where } }: Policy, { link }: PolicyFacts): Warning[] {
  if (value === undefined) return []
  const percent = Math.floor((link.usedThisMonthBytes / value.bytes) * 100)
  // From there on it is a reason.
  if (!(percent >= value.warnPercent && percent < 100)) return []
  return [{ code: 'data_cap_near', where, message: `the link has used ${percent} % of what it may in this month` }]
}

function first(times: readonly number[]): number | undefined {
  return times.length === 0 ? undefined : Math.min(...times)
}

function last(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined)
  return known.length < times.length ? undefined : Math.max(...known)
}
