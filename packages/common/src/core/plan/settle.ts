import { hysteresis } from './cheapest.ts'
import type { Choice } from './choose.ts'
import { completed, weightsOf } from './crossing.ts'
import { endsOf, type Graph, type Metric, pairRange } from './graph.ts'
import { leavesWithRelay } from './leaves.ts'
import { rootForest } from './rooted.ts'
import type { PlanLink } from './types.ts'
import { UnionFind } from './union-find.ts'
import { roundingShare, type Worth, weigh, worthOfRooted, type Yardstick } from './worth.ts'

/** The forest to use when there is a plan in force: that one, with its dead links replaced by the best crossing ones and nothing else
 *  changed, unless the new choice joins more nodes or is better by the share of hysteresis. */
export function settled(graph: Graph, metric: Metric, previous: readonly PlanLink[], next: Choice): Uint32Array {
  const { yardstick } = next
  const kept = completed(graph, metric, stillValid(graph, metric, previous, yardstick), yardstick)
  // Every link joins two trees.
  if (kept.length < next.forest.length) return next.forest
  const worth = (forest: Uint32Array): Worth => worthOfRooted(rootForest(endsOf(graph), forest), metric, forest)
  return pays(yardstick, worth(kept), worth(next.forest)) ? next.forest : kept
}

/** Better by the share of hysteresis: by the yardstick; or no worse by it, and for the average pair of nodes. The yardstick sees only
 *  the worst path, and one slow modem must not keep all others from better links. */
function pays(yardstick: Yardstick, kept: Worth, next: Worth): boolean {
  const before = weigh(yardstick, kept.cost, kept.seconds)
  const after = weigh(yardstick, next.cost, next.seconds)
  if (after < before * (1 - hysteresis)) return true
  return after <= before * (1 + roundingShare) && next.pairSeconds < kept.pairSeconds * (1 - hysteresis)
}

/** The links of the plan in force that are up and keep the rules. A node that has become leaf-only stays on its lightest link. */
function stillValid(graph: Graph, metric: Metric, previous: readonly PlanLink[], yardstick: Yardstick): number[] {
  const weights = weightsOf(metric, yardstick)
  const links = previous.flatMap(({ a, b }) => lightestBetween(graph, weights, a, b) ?? [])
  const { isLeaf, from, to } = graph
  const lightestOf = new Map<number, number>()
  for (const link of links) {
    for (const node of [from[link] as number, to[link] as number]) {
      const lightest = lightestOf.get(node)
      if (lightest === undefined || (weights[link] as number) < (weights[lightest] as number))
        lightestOf.set(node, link)
    }
  }
  const hasRelay = leavesWithRelay(graph)
  const sets = new UnionFind(graph.ids.length)
  return links.filter((link) => {
    const ends = [from[link] as number, to[link] as number] as const
    if (ends.some((node) => isLeaf[node] === 1 && lightestOf.get(node) !== link)) return false
    if (ends.every((node) => isLeaf[node] === 1) && ends.some((node) => hasRelay[node] === 1)) return false
    return sets.union(...ends)
  })
}

function lightestBetween(graph: Graph, weights: Float64Array, a: PlanLink['a'], b: PlanLink['b']): number | undefined {
  const range = pairRange(graph, a, b)
  if (!range || range.start === range.end) return undefined
  return lightestIn(weights, range)
}

/** The first of the lightest links in a range that is not empty. */
export function lightestIn(weights: Float64Array, { start, end }: { start: number; end: number }): number {
  let lightest = start
  for (let link = start + 1; link < end; link++) {
    if ((weights[link] as number) < (weights[lightest] as number)) lightest = link
  }
  return lightest
}
