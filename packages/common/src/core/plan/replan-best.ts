import type { Carried } from './carried.ts'
import { hysteresis } from './cheapest.ts'
import { bestCrossing, completed, weightsOf } from './crossing.ts'
import { endsOf, type Graph, type Metric, measure } from './graph.ts'
import { leavesWithRelay } from './leaves.ts'
import { pathBetween } from './path.ts'
import { rootForest } from './rooted.ts'
import { lightestIn } from './settle.ts'
import { roundingShare, type Worth, weigh, worthOfRooted, type Yardstick } from './worth.ts'

/** The forest after a change of one pair, for objectives above 0: see `replan` for what it guarantees. */
export function replacedBest(graph: Graph, carried: Carried, yardstick: Yardstick): Uint32Array {
  const metric = measure(graph.links)
  const { range, isCut } = carried
  const exchange = { graph, metric, yardstick }
  const links = withoutIdlePairs(graph, carried.links)
  if (range.start === range.end) return completed(graph, metric, links, yardstick)
  const changed = lightestIn(weightsOf(metric, yardstick), range)
  const kept = completed(graph, metric, isCut ? [...links, changed] : links, yardstick)
  return kept.includes(changed) ? withoutWorsened(exchange, kept, changed) : withBetter(exchange, kept, changed)
}

interface Exchange {
  readonly graph: Graph
  readonly metric: Metric
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
  const { graph, metric, yardstick } = exchange
  const rest = [...kept].filter((link) => link !== worsened)
  const other = bestCrossing(graph, metric, rest, yardstick)
  if (other === undefined || other === worsened) return kept
  return better(exchange, kept, worsened, other)
}

/** This link in the place of the slowest or the heaviest one on the cycle that it closes, if that pays. */
function withBetter(exchange: Exchange, kept: Uint32Array, link: number): Uint32Array {
  const { graph, metric, yardstick } = exchange
  const rooted = rootForest(endsOf(graph), kept)
  const path = pathBetween(rooted, graph.from[link] as number, graph.to[link] as number)
  if (!path) return kept
  const leafEnds = [graph.from[link] as number, graph.to[link] as number].filter((node) => graph.isLeaf[node] === 1)
  // A leaf-only node has one link, the first or the last of the path; two such nodes are not joined to each other here.
  if (leafEnds.length > 1) return kept
  const isMovable = (other: number): boolean =>
    leafEnds.every((leaf) => graph.from[other] === leaf || graph.to[other] === leaf)
  const movable = path.filter(isMovable)
  const weights = weightsOf(metric, yardstick)
  const most = (of: Float64Array): number =>
    movable.reduce((greatest, other) => ((of[other] as number) > (of[greatest] as number) ? other : greatest))
  return [...new Set([most(metric.seconds), most(weights)])].reduce(
    (forest, worst) => (forest === kept ? better(exchange, kept, worst, link) : forest),
    kept,
  )
}

/** The forest with one link exchanged, if that is worth it: by the share of hysteresis on the whole; or for the link alone, with the
 *  whole no worse, neither for the worst path nor for the average one. */
function better({ graph, metric, yardstick }: Exchange, kept: Uint32Array, old: number, fresh: number): Uint32Array {
  const changed = Uint32Array.from(kept, (link) => (link === old ? fresh : link)).sort()
  const worth = (forest: Uint32Array): Worth => worthOfRooted(rootForest(endsOf(graph), forest), metric, forest)
  const [before, after] = [worth(kept), worth(changed)]
  const valueBefore = weigh(yardstick, before.cost, before.seconds)
  const valueAfter = weigh(yardstick, after.cost, after.seconds)
  if (valueAfter < valueBefore * (1 - hysteresis)) return changed
  const isShorter = (metric.seconds[fresh] as number) < (metric.seconds[old] as number) * (1 - hysteresis)
  const isNoWorse = valueAfter <= valueBefore * (1 + roundingShare) && after.pairSeconds <= before.pairSeconds
  return isShorter && isNoWorse ? changed : kept
}
