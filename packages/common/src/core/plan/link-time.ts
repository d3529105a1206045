import type { PlanLink } from './types.ts'

/** Bytes on the wire per byte of content: Ethernet, IP, TCP and TLS headers take 4 to 5 % of full-sized packets. */
export const wireOverhead = 1.05

/** The payload whose time is a link's length, and the granularity at which hops overlap when nothing else is said.
 *
 *  It weighs throughput against round trip. With 1 GB a satellite link of 600 ms would win against a line of 3 ms that is a tenth
 *  slower, although nearly all changes are small; with the size of one edit a 1 Mbit/s line would win against 100 Mbit/s with 30 ms
 *  more. At 10 MB throughput decides between lines of different kinds, round trip between lines of one kind. And since hops overlap
 *  at this granularity, lengths add up along a path exactly: they are the time until the first chunk has come through. */
export const referenceBytes = 10_000_000

/** Below this, a link's past says no more than that it is bad; it may be the only one. */
const leastAvailability = 0.01

/** False for a link that must not be used (its data cap is used up), or cannot be (never up, or measured as nonsense). */
export function isUsable({ rttMs, throughputBps, pricePerGb, availability, capBytes }: PlanLink): boolean {
  const measured = throughputBps > 0 && rttMs >= 0 && pricePerGb >= 0 && availability > 0
  const finite = Number.isFinite(throughputBps) && Number.isFinite(rttMs) && Number.isFinite(pricePerGb)
  return measured && finite && !(capBytes !== undefined && capBytes <= 0)
}

/** An absent link makes everybody wait for its return: what takes 1 s on it is expected to take 1 s / availability. */
function presence({ availability }: PlanLink): number {
  return Math.min(1, Math.max(leastAvailability, availability))
}

/** Expected round trip in seconds. */
export function latencySeconds(link: PlanLink): number {
  return link.rttMs / 1000 / presence(link)
}

/** Expected bytes of content per second, headers and absence taken off. */
export function contentBps(link: PlanLink): number {
  return (link.throughputBps * presence(link)) / wireOverhead
}

/** Expected seconds for `bytes` of content over this link alone. */
export function secondsFor(link: PlanLink, bytes: number): number {
  return latencySeconds(link) + bytes / contentBps(link)
}
