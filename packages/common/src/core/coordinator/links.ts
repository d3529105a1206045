import type { NodeId } from '../causal/types.ts'
import type { PlanLink } from '../plan/types.ts'
import type { ConfiguredLink, LinkFacts, NodeFacts } from './facts.ts'

/** What is known of a link over time, from both its ends. */
export interface LinkRecord {
  readonly ends: readonly [NodeId, NodeId]
  readonly up: boolean
  /** Since when it is so, ms. */
  readonly since: number
  /** Share of time that it was up, older times weighing less. */
  readonly availability: number
  readonly rttMs: number | undefined
  /** Bytes per second. */
  readonly throughputBps: number | undefined
  readonly configured: ConfiguredLink
  /** What was measured when the plans last took notice: slow drifts add up against it. */
  readonly basis: Measured
}

interface Measured {
  readonly rttMs: number | undefined
  readonly throughputBps: number | undefined
}

/** After this long a time counts half. */
const halfLifeMs = 3 * 24 * 3_600_000

/** The time that a smoothed availability is about, taken as if it were one stretch. */
export const memoryMs = halfLifeMs / Math.LN2

/** What nobody has measured or configured is taken to be a usual home network: it will be measured when it is used. */
export const assumed = { rttMs: 2, throughputBps: 12_500_000 } as const

/** Measured values that move less than this leave the plan alone. */
const material = 0.25

/** What an earlier coordinator knew of a link, or this one before it was started anew. */
export interface LinkPast extends Measured {
  readonly availability: number
}

export interface LinkView {
  readonly ends: readonly [NodeId, NodeId]
  readonly past: LinkPast | undefined
  readonly left: NodeFacts | undefined
  readonly right: NodeFacts | undefined
  readonly at: number
}

/** The link as its ends see it now, and whether plans have to take notice. Up only if both say so: one that died still says what was. */
export function updatedLink(
  before: LinkRecord | undefined,
  { ends, past, left, right, at }: LinkView,
): { record: LinkRecord; material: boolean } {
  const seen = [left?.links.get(ends[1]), right?.links.get(ends[0])]
  const up = seen.every((facts) => facts?.up === true)
  const availability = before === undefined ? (past?.availability ?? 1) : availabilityAt(before, at)
  const values = measured(seen, before ?? past)
  const since = before !== undefined && before.up === up ? before.since : at
  // Time is folded in only where the state changes, so that reading it later counts each stretch once.
  const folded = before !== undefined && before.up === up ? before.availability : availability
  const configured = configuredBy(seen)
  const known = { ends, up, since, availability: folded, ...values, configured }
  const isNews = isMaterial(before, known)
  return { record: { ...known, basis: isNews || before === undefined ? values : before.basis }, material: isNews }
}

/** The stretch since the last change counted in. */
export function availabilityAt({ availability, up, since }: LinkRecord, at: number): number {
  const old = 2 ** (-Math.max(0, at - since) / halfLifeMs)
  return availability * old + (up ? 1 : 0) * (1 - old)
}

/** What it will be worth to the next coordinator. */
export function toPast(record: LinkRecord, at: number): LinkPast {
  const { rttMs, throughputBps } = record
  return { availability: availabilityAt(record, at), rttMs, throughputBps }
}

/** Worth writing down again. */
export function isNewer(before: LinkPast | undefined, after: LinkPast): boolean {
  if (before === undefined || Math.abs(before.availability - after.availability) >= 0.01) return true
  return moved(before.throughputBps, after.throughputBps) || moved(before.rttMs, after.rttMs, 2)
}

/** An agent that was started anew has nothing to say of a link before it is used: then what was known counts. */
function measured(seen: readonly (LinkFacts | undefined)[], known: Measured | undefined): Measured {
  const rtts = seen.flatMap((facts) => facts?.rttMs ?? [])
  const all = seen.filter((facts) => facts?.throughputBps !== undefined)
  const flows = all.filter((facts) => facts?.throughputProbed !== true)
  // What has flowed says more than a probe. Each end measures it; a flow is often slower than its link and never faster.
  const rates = (flows.length > 0 ? flows : all).flatMap((facts) => facts?.throughputBps ?? [])
  return {
    rttMs: rtts.length === 0 ? known?.rttMs : Math.min(...rtts),
    throughputBps: rates.length === 0 ? known?.throughputBps : Math.max(...rates),
  }
}

/** Where both ends say something, the more careful word counts. */
function configuredBy(seen: readonly (LinkFacts | undefined)[]): ConfiguredLink {
  const said = seen.flatMap((facts) => facts?.configured ?? [])
  const pick = (key: keyof ConfiguredLink, choose: (...values: number[]) => number): number | undefined => {
    const values = said.flatMap((one) => (typeof one[key] === 'number' ? [one[key]] : []))
    return values.length === 0 ? undefined : choose(...values)
  }
  return {
    latencyMs: pick('latencyMs', Math.max),
    throughputBps: pick('throughputBps', Math.min),
    pricePerGb: pick('pricePerGb', Math.max),
    capBytes: pick('capBytes', Math.min),
    metered: said.some(({ metered }) => metered === true),
  }
}

export function toPlanLink(record: LinkRecord, at: number): PlanLink {
  const { ends, configured, rttMs, throughputBps } = record
  const [a, b] = ends
  return {
    a,
    b,
    rttMs: configured.latencyMs ?? rttMs ?? assumed.rttMs,
    throughputBps: configured.throughputBps ?? throughputBps ?? assumed.throughputBps,
    pricePerGb: configured.pricePerGb ?? 0,
    availability: availabilityAt(record, at),
    metered: configured.metered === true,
    ...(configured.capBytes === undefined ? {} : { capBytes: configured.capBytes }),
  }
}

/** Measured values that waver do not count. */
function isMaterial(before: LinkRecord | undefined, after: Omit<LinkRecord, 'basis'>): boolean {
  if (before === undefined || before.up !== after.up) return true
  const keys = ['latencyMs', 'throughputBps', 'pricePerGb', 'metered'] as const
  if (keys.some((key) => before.configured[key] !== after.configured[key])) return true
  if (isUsedUp(before.configured) !== isUsedUp(after.configured)) return true
  const { basis } = before
  return moved(basis.throughputBps, after.throughputBps) || moved(basis.rttMs, after.rttMs, 2)
}

function isUsedUp({ capBytes }: ConfiguredLink): boolean {
  return capBytes !== undefined && capBytes <= 0
}

/** `least`: differences below this do not count, whatever their share. */
function moved(before: number | undefined, after: number | undefined, least = 0): boolean {
  if (before === undefined || after === undefined) return before !== after
  const difference = Math.abs(after - before)
  return difference > least && difference > material * Math.max(before, after)
}
