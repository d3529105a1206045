import type { Graph } from './graph.ts'
import { kruskal } from './kruskal.ts'
import { pairStrays } from './leaves.ts'
import { sortedByKeys } from './radix-order.ts'

/** What a link has to gain on one that is in use before it takes its place. Measured times flutter, and a new neighbour costs a first
 *  exchange; less than a tenth is not worth that. */
export const hysteresis = 0.1

/** Cheapest spanning forest: least price per GB; among equals unmetered before metered, then the shortest expected time, the shortest
 *  round trip, the lowest ids. Links in the plan in force count as a tenth quicker than they are. Prices get no such bonus: people
 *  set them and they do not flutter, so any saving lasts. Leaf-only nodes hang on their first link to a node that may relay.
 *  The order is total, so there is exactly one such forest. Indexes of links, ascending. Source: Kruskal 1956. */
export function cheapestForest(graph: Graph): Uint32Array {
  const order = cheapestOrder(graph)
  const rank = new Uint32Array(order.length)
  for (let at = 0; at < order.length; at++) rank[order[at] as number] = at
  const relays = graph.isLeaf.map((leaf) => 1 - leaf)
  const forest = kruskal(graph, order, relays)
  forest.push(...pairStrays(graph, (left, right) => (rank[left] as number) < (rank[right] as number)))
  return Uint32Array.from(forest).sort()
}

function cheapestOrder(graph: Graph): Uint32Array {
  const { price, metered, seconds, held } = graph
  const time = held.includes(1) ? seconds.map((value, link) => value * bonusOf(held, link)) : seconds
  const order = sortedByKeys([price, metered, time], price.length)
  // The rest seldom counts: sorting all links by it as well would take a third of the time.
  let start = 0
  for (let at = 1; at <= order.length; at++) {
    const one = order[start] as number
    const other = order[at] as number
    if (price[one] === price[other] && metered[one] === metered[other] && time[one] === time[other]) continue
    if (at - start > 1) order.subarray(start, at).sort((left, right) => compareCheapest(graph, left, right))
    start = at
  }
  return order
}

function bonusOf(held: Uint8Array, index: number): number {
  return held[index] === 1 ? 1 - hysteresis : 1
}

/** The same order for two links, without the arrays. Negative when `left` comes first. */
export function compareCheapest(graph: Graph, left: number, right: number): number {
  const { price, metered, seconds, rttMs, held } = graph
  const of = (values: Float64Array): number => (values[left] as number) - (values[right] as number)
  const bonus = (values: Float64Array): number =>
    (values[left] as number) * bonusOf(held, left) - (values[right] as number) * bonusOf(held, right)
  return of(price) || of(metered) || bonus(seconds) || bonus(rttMs) || left - right
}
