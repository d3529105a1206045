import type { Graph } from './graph.ts'
import { leavesWithRelay } from './leaves.ts'
import { reachOf } from './makespan.ts'
import { sortedByKeys } from './radix-order.ts'
import { rootForest } from './rooted.ts'
import { UnionFind } from './union-find.ts'
import { costOf, weigh, type Yardstick } from './worth.ts'

/** How many links are chosen one by one for what the whole forest is worth with them. More than that are missing only when much of a
 *  network comes or goes at once; then they are taken in the order of their own weight. */
const carefulJoins = 8

/** The forest with the best crossing links added until it joins all that can be joined. `forest` keeps the rules and has no cycle.
 *  Indexes of links, ascending. */
export function completed(graph: Graph, forest: readonly number[], yardstick: Yardstick): Uint32Array {
  const joined = [...forest]
  for (let joins = 0; joins < carefulJoins; joins++) {
    const link = bestCrossing(graph, joined, yardstick)
    if (link === undefined) return Uint32Array.from(joined).sort()
    joined.push(link)
  }
  const { from, to, links } = graph
  const weights = Float64Array.from(links, (_, link) => weightOf(graph, link, yardstick))
  const { degree, isJoinable } = joinRules(graph, joined)
  const sets = new UnionFind(graph.nodes)
  for (const link of joined) sets.union(from[link] as number, to[link] as number)
  for (const link of sortedByKeys([weights], links.length)) {
    if (!isJoinable(link) || !sets.union(from[link] as number, to[link] as number)) continue
    joined.push(link)
    countEnds(graph, link, degree)
  }
  return Uint32Array.from(joined).sort()
}

/** Of the links between two trees of this forest, the one with which the forest is worth most: by the yardstick, then by the longest
 *  path through the link and its price, then by its number. Undefined when nothing more can be joined. */
export function bestCrossing(graph: Graph, forest: readonly number[], yardstick: Yardstick): number | undefined {
  const { from, to, price, seconds } = graph
  const { root, ...rooted } = rootForest(graph, forest)
  const { eccentricity, diameter } = reachOf(rooted, seconds)
  const { isJoinable } = joinRules(graph, forest)
  const cost = costOf(graph, forest)
  let best: { link: number; value: number; ownValue: number } | undefined
  for (let link = 0; link < from.length; link++) {
    const one = from[link] as number
    const other = to[link] as number
    if (root[one] === root[other] || !isJoinable(link)) continue
    const length = (eccentricity[one] as number) + (seconds[link] as number) + (eccentricity[other] as number)
    const value = weigh(yardstick, cost + (price[link] as number), Math.max(diameter, length))
    if (best && value > best.value) continue
    const ownValue = weigh(yardstick, price[link] as number, length)
    if (!best || value < best.value || ownValue < best.ownValue) best = { link, value, ownValue }
  }
  return best?.link
}

/** What a link adds on its own. */
export function weightOf({ price, seconds }: Graph, link: number, yardstick: Yardstick): number {
  return weigh(yardstick, price[link] as number, seconds[link] as number)
}

/** The first of the lightest links in a range that is not empty. */
export function lightestIn(
  graph: Graph,
  { start, end }: { readonly start: number; readonly end: number },
  yardstick: Yardstick,
): number {
  let lightest = start
  for (let link = start + 1; link < end; link++) {
    if (weightOf(graph, link, yardstick) < weightOf(graph, lightest, yardstick)) lightest = link
  }
  return lightest
}

/** Leaf-only nodes get one link, to a node that may relay; to each other only when neither has such a link. */
function joinRules(
  graph: Graph,
  forest: readonly number[],
): { readonly degree: Uint32Array; readonly isJoinable: (link: number) => boolean } {
  const { isLeaf, from, to } = graph
  const degree = new Uint32Array(graph.nodes)
  for (const link of forest) countEnds(graph, link, degree)
  let hasRelay: Uint8Array | undefined
  const isJoinable = (link: number): boolean => {
    const one = from[link] as number
    const other = to[link] as number
    if (isLeaf[one] === 1 && (degree[one] as number) > 0) return false
    if (isLeaf[other] === 1 && (degree[other] as number) > 0) return false
    if (isLeaf[one] === 0 || isLeaf[other] === 0) return true
    hasRelay ??= leavesWithRelay(graph)
    return hasRelay[one] === 0 && hasRelay[other] === 0
  }
  return { degree, isJoinable }
}

function countEnds({ from, to }: Graph, link: number, degree: Uint32Array): void {
  ;(degree[from[link] as number] as number)++
  ;(degree[to[link] as number] as number)++
}
