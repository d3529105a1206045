import { parseHostPort } from '@spansync/common/config/values'
import type { AddressCost, Peer } from './types.ts'

/** One address as it stands: what is known of it, and its place in the list. */
export interface Way {
  readonly cost: AddressCost
  readonly rttMs: number | undefined
  /** Bytes per second. */
  readonly throughputBps: number | undefined
  readonly order: number
}

/** A way must be so much quicker to be taken over: measured values waver, and a move has its price. */
const clearly = 0.7
/** Round trips alone say less, and a busy machine disturbs them. */
const clearlyAlone = 0.5
/** Differences below this are noise, ms. */
const leastMs = 5
/** What the time of a way is taken for: a usual file. */
const usualBytes = 1_000_000

/** What the address costs, also of a connection that came from another port of the host. */
export function costAt({ cost, costs = {}, addresses, mayProbe = false }: Peer, address: string): AddressCost {
  const standard = cost ?? { metered: false, pricePerGb: 0, mayProbe }
  if (costs[address] !== undefined || addresses.includes(address)) return costs[address] ?? standard
  return costs[configuredAt({ addresses, costs }, address)] ?? standard
}

/** Which of the configured addresses this one is, also that of a connection from another port of the host; '' for none. */
export function configuredAt({ addresses, costs = {} }: Pick<Peer, 'addresses' | 'costs'>, address: string): string {
  if (addresses.includes(address)) return address
  const host = parseHostPort(address)?.host
  return Object.keys(costs).find((one) => parseHostPort(one)?.host === host) ?? ''
}

export function mayProbe(peer: Peer, address: string): boolean {
  return costAt(peer, address).mayProbe
}

/** Negative: `a` costs less money. */
export function compareMoney(a: AddressCost, b: AddressCost): number {
  return Number(a.metered) - Number(b.metered) || a.pricePerGb - b.pricePerGb
}

/** Whether a link shall go over `a` from now on, and no longer over `b`: what is paid for counts first, then the time, then the order. */
export function isBetter(a: Way, b: Way): boolean {
  const money = compareMoney(a.cost, b.cost)
  if (money !== 0) return money < 0
  return isQuicker(a, b) || (a.order < b.order && !isQuicker(b, a))
}

/** So much better that what is under way over `b` is better begun again over `a`. */
export function isWorthCutting(a: Way, b: Way): boolean {
  if (compareMoney(a.cost, b.cost) < 0) return true
  const [here, there] = [timeOf(a), timeOf(b)]
  return here !== undefined && there !== undefined && here < there / 3
}

function isQuicker(a: Way, b: Way): boolean {
  const [one, other] = [timeOf(a), timeOf(b)]
  if (one !== undefined && other !== undefined) return one < clearly * other && other - one > leastMs
  const [near, far] = [rttOf(a), rttOf(b)]
  return near !== undefined && far !== undefined && near < clearlyAlone * far && far - near > leastMs
}

function rttOf({ cost, rttMs }: Way): number | undefined {
  return cost.latencyMs ?? rttMs
}

/** For a usual file, ms. */
function timeOf(way: Way): number | undefined {
  const throughput = way.cost.throughputBps ?? way.throughputBps
  return throughput === undefined ? undefined : (rttOf(way) ?? 0) + (usualBytes * 1000) / throughput
}
