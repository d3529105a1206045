import type { Metric } from './graph.ts'
import { diameterOf } from './makespan.ts'
import { type Ends, type Rooted, rootForest } from './rooted.ts'

/** What a spanning forest is worth: the price of bringing one GB to every participant once; and the expected seconds until everybody
 *  has the reference payload from the worst origin, which is the greatest diameter of a tree. */
export interface Worth {
  readonly cost: number
  readonly seconds: number
}

/** How cost and time are weighed against each other. Each is divided by the sum of what it is at the two ends, cheapest and fastest,
 *  so that currency and size of the network cancel out, and "a half more expensive" counts like "a half slower". */
export interface Yardstick {
  readonly objective: number
  readonly costScale: number
  readonly secondsScale: number
}

/** Doubles that should be equal may differ by this share, depending on the order of their sums. */
export const roundingShare = 1e-9

export function yardstickOf(objective: number, cheapest: Worth, fastest: Worth): Yardstick {
  const secondsScale = cheapest.seconds + fastest.seconds
  return { objective, costScale: cheapest.cost + fastest.cost, secondsScale }
}

/** Smaller is better. A scale of 0 means that there is nothing to choose in that respect. */
export function weigh({ objective, costScale, secondsScale }: Yardstick, cost: number, seconds: number): number {
  const costShare = costScale > 0 ? cost / costScale : 0
  const secondsShare = secondsScale > 0 ? seconds / secondsScale : 0
  return (1 - objective) * costShare + objective * secondsShare
}

export function worthOf(graph: Ends & Metric, forest: Uint32Array, rooted = rootForest(graph, forest)): Worth {
  return { cost: costOf(graph, forest), seconds: diameterOf(rooted, graph.seconds) }
}

/** A forest under a yardstick, with what is needed to ask for `pairSecondsOf` as well. */
export function weighForest(
  graph: Ends & Metric,
  yardstick: Yardstick,
  forest: Uint32Array,
): { readonly value: number; readonly rooted: Rooted } {
  const rooted = rootForest(graph, forest)
  const { cost, seconds } = worthOf(graph, forest, rooted)
  return { value: weigh(yardstick, cost, seconds), rooted }
}

export function costOf({ price }: Metric, forest: Iterable<number>): number {
  let cost = 0
  for (const link of forest) cost += price[link] as number
  return cost
}

/** The time from every node to every other of its tree, summed over the pairs: what most pairs wait, which the worst path hides. Each
 *  link counts once for every pair that it lies between. */
export function pairSecondsOf({ parent, parentLink, root, order }: Rooted, seconds: Float64Array): number {
  const below = new Uint32Array(order.length).fill(1)
  let sum = 0
  for (let at = order.length - 1; at >= 0; at--) {
    const up = parent[order[at] as number] as number
    if (up >= 0) (below[up] as number) += below[order[at] as number] as number
  }
  for (const node of order) {
    const link = parentLink[node] as number
    if (link < 0) continue
    const size = below[node] as number
    sum += (seconds[link] as number) * size * ((below[root[node] as number] as number) - size)
  }
  return sum
}
