import type { Graph, Metric } from './graph.ts'
import { endsOf } from './graph.ts'
import { leavesWithRelay } from './leaves.ts'
import { reachOf } from './makespan.ts'
import { sortedByKeys } from './radix-order.ts'
import { rootForest } from './rooted.ts'
import { UnionFind } from './union-find.ts'
import { weigh, type Yardstick } from './worth.ts'

/** How many links are chosen one by one for what the whole forest is worth with them. More than that are missing only when much of a
 *  network comes or goes at once; then they are taken in the order of their own worth. */
const carefulJoins = 8

/** The forest with the best crossing links added until it joins all that can be joined. `forest` keeps the rules and has no cycle.
 *  Indexes of links, ascending. */
export function completed(graph: Graph, metric: Metric, forest: readonly number[], yardstick: Yardstick): Uint32Array {
  const joined = [...forest]
  for (let joins = 0; joins < carefulJoins; joins++) {
    const link = bestCrossing(graph, metric, joined, yardstick)
    if (link === undefined) return Uint32Array.from(joined).sort()
    joined.push(link)
  }
  const order = sortedByKeys([weightsOf(metric, yardstick)], graph.links.length)
  const { degree, isJoinable } = joinRules(graph, joined)
  const sets = new UnionFind(graph.ids.length)
  const { from, to } = graph
  for (const link of joined) sets.union(from[link] as number, to[link] as number)
  for (const link of order) {
    if (!isJoinable(link) || !sets.union(from[link] as number, to[link] as number)) continue
    joined.push(link)
    for (const node of [from[link] as number, to[link] as number]) (degree[node] as number)++
  }
  return Uint32Array.from(joined).sort()
}

/** Of the links between two trees of this forest, the one with which the forest is worth most: by the yardstick, then by the longest
 *  path through the link and its price, then by its number. Undefined when nothing more can be joined. */
export function bestCrossing(
  graph: Graph,
  metric: Metric,
  forest: readonly number[],
  yardstick: Yardstick,
): number | undefined {
  const { from, to } = graph
  const rooted = rootForest(endsOf(graph), forest)
  const { eccentricity, diameter } = reachOf(rooted, metric.seconds)
  const { isJoinable } = joinRules(graph, forest)
  let cost = 0
  for (const link of forest) cost += metric.price[link] as number
  let best: { link: number; value: number; ownValue: number } | undefined
  for (let link = 0; link < from.length; link++) {
    const [one, other] = [from[link] as number, to[link] as number]
    if (rooted.root[one] === rooted.root[other] || !isJoinable(link)) continue
    const price = metric.price[link] as number
    const length = (eccentricity[one] as number) + (metric.seconds[link] as number) + (eccentricity[other] as number)
    const value = weigh(yardstick, cost + price, Math.max(diameter, length))
    if (best && value > best.value) continue
    const ownValue = weigh(yardstick, price, length)
    if (!best || value < best.value || ownValue < best.ownValue) best = { link, value, ownValue }
  }
  return best?.link
}

/** What each link adds on its own. */
export function weightsOf({ price, seconds }: Metric, yardstick: Yardstick): Float64Array {
  return price.map((value, link) => weigh(yardstick, value, seconds[link] as number))
}

/** Leaf-only nodes get one link, to a node that may relay; to each other only when neither has such a link. */
function joinRules(
  graph: Graph,
  forest: readonly number[],
): { readonly degree: Uint32Array; readonly isJoinable: (link: number) => boolean } {
  const { isLeaf, from, to } = graph
  const degree = new Uint32Array(graph.ids.length)
  for (const link of forest) {
    for (const node of [from[link] as number, to[link] as number]) (degree[node] as number)++
  }
  const hasRelay = isLeaf.includes(1) ? leavesWithRelay(graph) : isLeaf
  const isJoinable = (link: number): boolean => {
    const [one, other] = [from[link] as number, to[link] as number]
    if (isLeaf[one] === 1 && (degree[one] as number) > 0) return false
    if (isLeaf[other] === 1 && (degree[other] as number) > 0) return false
    return isLeaf[one] === 0 || isLeaf[other] === 0 || (hasRelay[one] === 0 && hasRelay[other] === 0)
  }
  return { degree, isJoinable }
}
