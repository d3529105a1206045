import type { Carried } from './carried.ts'
import { hysteresis } from './cheapest.ts'
import { bestCrossing, completed, lightestIn, weightOf } from './crossing.ts'
import type { Graph } from './graph.ts'
import { leavesWithRelay } from './leaves.ts'
import { pathBetween } from './path.ts'
import { rootForest } from './rooted.ts'
import { pairSecondsOf, roundingShare, weighForest, type Yardstick } from './worth.ts'

/** The forest after a change of one pair, for objectives above 0: see `Replanner` for what it guarantees. */
export function replacedBest(graph: Graph, carried: Carried, yardstick: Yardstick): Uint32Array {
  const { range, isCut, wereJoined } = carried
  const exchange = { graph, yardstick }
  if (range.start === range.end) return completed(graph, withoutIdlePairs(graph, carried.links), yardstick)
  const changed = lightestIn(graph, range, yardstick)
  if (isCut) {
    const kept = Uint32Array.from([...carried.links, changed]).sort()
    return withoutWorsened(exchange, kept, changed)
  }
  // A link within a tree closes a cycle and joins nothing.
  if (wereJoined) return withBetter(exchange, Uint32Array.from(carried.links), changed)
  return completed(graph, withoutIdlePairs(graph, carried.links), yardstick)
}

interface Exchange {
  readonly graph: Graph
  readonly yardstick: Yardstick
}

/** Two leaf-only nodes are paired only while neither has a link to a node that may relay. */
function withoutIdlePairs(graph: Graph, links: readonly number[]): readonly number[] {
  const { isLeaf, from, to } = graph
  if (!isLeaf.includes(1)) return links
  const hasRelay = leavesWithRelay(graph)
  return links.filter((link) => {
    const [one, other] = [from[link] as number, to[link] as number]
    return isLeaf[one] === 0 || isLeaf[other] === 0 || (hasRelay[one] === 0 && hasRelay[other] === 0)
  })
}

/** Another crossing link in the place of this one, if that pays. */
function withoutWorsened(exchange: Exchange, kept: Uint32Array, worsened: number): Uint32Array {
  const { graph, yardstick } = exchange
  const rest = [...kept].filter((link) => link !== worsened)
  const other = bestCrossing(graph, rest, yardstick)
  if (other === undefined || other === worsened) return kept
  return better(exchange, kept, worsened, other)
}

/** This link in the place of the slowest or the heaviest one on the cycle that it closes, if that pays. */
function withBetter(exchange: Exchange, kept: Uint32Array, link: number): Uint32Array {
  const { graph, yardstick } = exchange
  const rooted = rootForest(graph, kept)
  const path = pathBetween(rooted, graph.from[link] as number, graph.to[link] as number)
  if (!path) return kept
  const leafEnds = [graph.from[link] as number, graph.to[link] as number].filter((node) => graph.isLeaf[node] === 1)
  // A leaf-only node has one link, the first or the last of the path; two such nodes are not joined to each other here.
  if (leafEnds.length > 1) return kept
  const isMovable = (other: number): boolean =>
    leafEnds.every((leaf) => graph.from[other] === leaf || graph.to[other] === leaf)
  const movable = path.filter(isMovable)
  const most = (of: (other: number) => number): number =>
    movable.reduce((greatest, other) => (of(other) > of(greatest) ? other : greatest))
  const slowest = most((other) => graph.seconds[other] as number)
  const heaviest = most((other) => weightOf(graph, other, yardstick))
  const changed = better(exchange, kept, slowest, link)
  return changed === kept && heaviest !== slowest ? better(exchange, kept, heaviest, link) : changed
}

/** The forest with one link exchanged, if that is worth it: by the share of hysteresis on the whole; or for the link alone, with the
 *  whole no worse, neither for the worst path nor for the average one. */
function better({ graph, yardstick }: Exchange, kept: Uint32Array, old: number, fresh: number): Uint32Array {
  const changed = Uint32Array.from(kept, (link) => (link === old ? fresh : link)).sort()
  const [before, after] = [weighForest(graph, yardstick, kept), weighForest(graph, yardstick, changed)]
  if (after.value < before.value * (1 - hysteresis)) return changed
  const isShorter = (graph.seconds[fresh] as number) < (graph.seconds[old] as number) * (1 - hysteresis)
  if (!isShorter || after.value > before.value * (1 + roundingShare)) return kept
  const isNoLonger = pairSecondsOf(after.rooted, graph.seconds) <= pairSecondsOf(before.rooted, graph.seconds)
  return isNoLonger ? changed : kept
}
