import { endsOf, type Graph, type Metric } from './graph.ts'
import { kruskal } from './kruskal.ts'
import { pairStrays } from './leaves.ts'
import { referenceBytes, secondsFor } from './link-time.ts'
import { sortedByKeys } from './radix-order.ts'
import type { PlanLink } from './types.ts'

/** What a link has to gain on one that is in use before it takes its place. Measured times flutter, and a new neighbour costs a first
 *  exchange; less than a tenth is not worth that. */
export const hysteresis = 0.1

/** Cheapest spanning forest: least price per GB; among equals unmetered before metered, then the shortest expected time, the shortest
 *  round trip, the lowest ids. Links in the plan in force count as a tenth quicker than they are. Prices get no such bonus: people
 *  set them and they do not flutter, so any saving lasts. Leaf-only nodes hang on their first link to a node that may relay.
 *  The order is total, so there is exactly one such forest. Indexes of links, ascending. Source: Kruskal 1956. */
export function cheapestForest(graph: Graph, metric: Metric): Uint32Array {
  const order = cheapestOrder(graph, metric)
  const rank = new Uint32Array(order.length)
  for (let at = 0; at < order.length; at++) rank[order[at] as number] = at
  const relays = graph.isLeaf.map((leaf) => 1 - leaf)
  const forest = kruskal(endsOf(graph), order, relays)
  forest.push(...pairStrays(graph, (left, right) => (rank[left] as number) < (rank[right] as number)))
  return Uint32Array.from(forest).sort()
}

function cheapestOrder({ links, held }: Graph, { price, seconds }: Metric): Uint32Array {
  const metered = Float64Array.from(links, (link) => (link.metered ? 1 : 0))
  const bonus = Float64Array.from(seconds, (value, index) => value * bonusOf(held, index))
  const rtt = Float64Array.from(links, (link, index) => link.rttMs * bonusOf(held, index))
  return sortedByKeys([price, metered, bonus, rtt], links.length)
}

function bonusOf(held: Uint8Array, index: number): number {
  return held[index] === 1 ? 1 - hysteresis : 1
}

/** The same order for two links, without the arrays. Negative when `left` comes first. */
export function compareCheapest({ links, held }: Graph, left: number, right: number): number {
  const [one, other] = [links[left] as PlanLink, links[right] as PlanLink]
  const [oneBonus, otherBonus] = [bonusOf(held, left), bonusOf(held, right)]
  return (
    one.pricePerGb - other.pricePerGb ||
    Number(one.metered) - Number(other.metered) ||
    secondsFor(one, referenceBytes) * oneBonus - secondsFor(other, referenceBytes) * otherBonus ||
    one.rttMs * oneBonus - other.rttMs * otherBonus ||
    left - right
  )
}
