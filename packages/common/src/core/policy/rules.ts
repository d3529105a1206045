import { describeNetwork, isOnOneOf, type NetworkFacts } from './networks.ts'
import type { Direction, Flow, Place, Policy } from './settings.ts'
import { isOpenAt, nextFlip } from './windows.ts'
import { nextMonthAt, type Zone, zoneOf } from './zone.ts'

/** What is known when it is asked whether a folder may pass over a link. Times in epoch ms. */
export interface PolicyFacts {
  readonly now: number
  /** This machine's IANA zone. */
  readonly zone: string
  readonly flow: Flow
  readonly link: {
    /** Undefined: not known. */
    readonly network?: NetworkFacts | undefined
    readonly metered: boolean
    /** In this calendar month, both ways together. */
    readonly usedThisMonthBytes: number
  }
  readonly onBattery: boolean
  /** The changes that wait to be sent: when the first was made, and the last. */
  readonly changes?: { readonly firstAtMs: number; readonly lastAtMs: number } | undefined
  /** End of the last session of this folder over this link. */
  readonly lastSessionMs?: number | undefined
}

export type RuleName =
  | 'paused'
  | 'direction'
  | 'network'
  | 'metered'
  | 'battery'
  | 'data_cap'
  | 'window'
  | 'min_interval'
  | 'settle'

/** Why something may not pass now. */
export interface Reason {
  readonly rule: RuleName
  readonly where: Place
  readonly message: string
  readonly remedy: string
  /** When this rule will no longer stand in the way, if nothing but the time changes; undefined: never. */
  readonly untilMs?: number | undefined
}

/** What a rule says at an instant: nothing in the way until `untilMs`, or a reason. Undefined `untilMs`: for ever. */
export type Verdict =
  | { readonly allowed: true; readonly untilMs?: number | undefined }
  | { readonly allowed: false; readonly untilMs?: number | undefined; readonly reason: Reason }

export interface Question {
  readonly policy: Policy
  readonly facts: PolicyFacts
  /** The clock and calendar that count. */
  readonly zone: Zone
  /** The instant that is asked about: `facts.now` or later, all else being as the facts say. */
  readonly at: number
}

type Rule = (question: Question) => Verdict

const fine: Verdict = { allowed: true }

export function questionOf(policy: Policy, facts: PolicyFacts): Question {
  return { policy, facts, zone: zoneOf(policy.timezone.value ?? facts.zone), at: facts.now }
}

/** In the order in which a person wants to hear of them: what somebody wants first, then what passes by itself. */
export const rules: readonly Rule[] = [
  paused,
  direction,
  network,
  metered,
  battery,
  dataCap,
  window,
  minInterval,
  settle,
]

function paused({ policy: { paused }, at }: Question): Verdict {
  const { value, where } = paused
  if (value === false || (value !== true && value.untilMs <= at)) return fine
  const untilMs = value === true ? undefined : value.untilMs
  return stop({ rule: 'paused', where, untilMs, message: 'paused', remedy: 'resume it' })
}

const oneWay: Readonly<
  Record<Exclude<Direction, 'send-receive'>, { readonly refuses: Flow; readonly message: string }>
> = {
  'send-only': { refuses: 'receive', message: 'this machine only sends, and takes nothing' },
  'receive-only': { refuses: 'send', message: 'this machine only receives, and sends nothing' },
}

function direction({ policy: { direction }, facts: { flow } }: Question): Verdict {
  const { value, where } = direction
  if (value === 'send-receive' || oneWay[value].refuses !== flow) return fine
  const { message } = oneWay[value]
  return stop({ rule: 'direction', where, message, remedy: 'set the direction to send-receive' })
}

function network({ policy: { networks }, facts: { link } }: Question): Verdict {
  const { value, where } = networks
  if (value.length === 0 || isOnOneOf(value, link.network)) return fine
  const allowed = value.map(describeNetwork).join(', ')
  const unknown = value.some(({ ssid }) => ssid !== undefined) ? link.network?.ssidUnknown : undefined
  const here = link.network === undefined ? 'it is not known which network this is' : 'this network is another one'
  const message = `only allowed on ${allowed}; ${unknown?.message ?? here}`
  const remedy = unknown?.remedy ?? 'join one of these networks, or add this one'
  return stop({ rule: 'network', where, message, remedy })
}

function metered({ policy: { onMetered }, facts: { link } }: Question): Verdict {
  const { value, where } = onMetered
  if (value || !link.metered) return fine
  const remedy = 'wait for another link, or set onMetered to true'
  return stop({ rule: 'metered', where, message: 'not over a metered link', remedy })
}

function battery({ policy: { onBattery }, facts }: Question): Verdict {
  const { value, where } = onBattery
  if (value || !facts.onBattery) return fine
  const remedy = 'connect the power supply, or set onBattery to true'
  return stop({ rule: 'battery', where, message: 'not while this machine runs on its battery', remedy })
}

function dataCap({ policy: { dataCap }, facts, zone, at }: Question): Verdict {
  const { value, where } = dataCap
  if (value === undefined || facts.link.usedThisMonthBytes < value.bytes) return fine
  const untilMs = nextMonthAt(zone, facts.now)
  if (at >= untilMs) return fine
  const message = `the link has used up its ${value.bytes} bytes of this month`
  return stop({ rule: 'data_cap', where, untilMs, message, remedy: 'wait for the next month, or raise dataCap' })
}

function window({ policy: { windows }, zone, at }: Question): Verdict {
  const { value, where } = windows
  const untilMs = nextFlip(value, zone, at)
  if (isOpenAt(value, zone, at)) return { allowed: true, untilMs }
  const message = 'outside the times at which it may sync'
  return stop({ rule: 'window', where, untilMs, message, remedy: 'wait, or widen the windows' })
}

function minInterval({ policy, facts, at }: Question): Verdict {
  const { lastSessionMs, changes } = facts
  const { value, where } = policy.minIntervalMs
  // A session in the future: somebody has set the clock back since.
  if (lastSessionMs === undefined || lastSessionMs > facts.now || value === 0) return fine
  const untilMs = Math.min(lastSessionMs + value, latestMs(policy, changes))
  if (at >= untilMs) return fine
  const message = 'the last session was a short time ago'
  return stop({ rule: 'min_interval', where, untilMs, message, remedy: 'wait, or shorten minInterval' })
}

/** Only what is sent has to rest: what peers send has rested there. */
function settle({ policy, facts: { changes, flow }, at }: Question): Verdict {
  const { value, where } = policy.settleMs
  if (value === undefined || !changes || flow === 'receive') return fine
  const untilMs = Math.min(changes.lastAtMs + value, latestMs(policy, changes))
  if (at >= untilMs) return fine
  const message = 'waiting until nothing more is written'
  return stop({ rule: 'settle', where, untilMs, message, remedy: 'wait, or shorten settle' })
}

function latestMs({ maxDelayMs }: Policy, changes: PolicyFacts['changes']): number {
  return changes ? changes.firstAtMs + maxDelayMs.value : Number.POSITIVE_INFINITY
}

function stop(reason: Reason): Verdict {
  return { allowed: false, untilMs: reason.untilMs, reason }
}
