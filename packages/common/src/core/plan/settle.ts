import { hysteresis } from './cheapest.ts'
import type { Choice } from './choose.ts'
import { completed, lightestIn, weightOf } from './crossing.ts'
import { type Graph, pairRange } from './graph.ts'
import { leavesWithRelay } from './leaves.ts'
import type { PlanLink } from './types.ts'
import { UnionFind } from './union-find.ts'
import { pairSecondsOf, roundingShare, weighForest, type Yardstick } from './worth.ts'

/** The forest to use when there is a plan in force: that one, with its dead links replaced by the best crossing ones and nothing else
 *  changed, unless the new choice joins more nodes or is better by the share of hysteresis. */
export function settled(graph: Graph, previous: readonly PlanLink[], next: Choice): Uint32Array {
  const { yardstick } = next
  const kept = completed(graph, stillValid(graph, previous, yardstick), yardstick)
  // Every link joins two trees.
  if (kept.length < next.forest.length) return next.forest
  return pays(graph, yardstick, kept, next.forest) ? next.forest : kept
}

/** Better by the share of hysteresis: by the yardstick; or no worse by it, and for the average pair of nodes. The yardstick sees only
 *  the worst path, and one slow modem must not keep all others from better links. */
function pays(graph: Graph, yardstick: Yardstick, kept: Uint32Array, next: Uint32Array): boolean {
  const [before, after] = [weighForest(graph, yardstick, kept), weighForest(graph, yardstick, next)]
  if (after.value < before.value * (1 - hysteresis)) return true
  if (after.value > before.value * (1 + roundingShare)) return false
  return pairSecondsOf(after.rooted, graph.seconds) < pairSecondsOf(before.rooted, graph.seconds) * (1 - hysteresis)
}

/** The links of the plan in force that are up and keep the rules. A node that has become leaf-only stays on its lightest link. */
function stillValid(graph: Graph, previous: readonly PlanLink[], yardstick: Yardstick): number[] {
  const links = previous.flatMap((edge) => currentLink(graph, yardstick, edge))
  const { isLeaf, from, to } = graph
  const onlyOf = new Int32Array(graph.nodes).fill(-1)
  for (const link of links) {
    for (const node of [from[link] as number, to[link] as number]) {
      const other = onlyOf[node] as number
      const isLighter = other < 0 || weightOf(graph, link, yardstick) < weightOf(graph, other, yardstick)
      if (isLeaf[node] === 1 && isLighter) onlyOf[node] = link
    }
  }
  const hasRelay = leavesWithRelay(graph)
  const sets = new UnionFind(graph.nodes)
  return links.filter((link) => {
    const ends = [from[link] as number, to[link] as number] as const
    if (ends.some((node) => isLeaf[node] === 1 && onlyOf[node] !== link)) return false
    if (ends.every((node) => isLeaf[node] === 1) && ends.some((node) => hasRelay[node] === 1)) return false
    return sets.union(...ends)
  })
}

/** The link that an edge of the plan is now. Of several the lightest, but first those of its own price and kind: what is measured
 *  flutters, and a parallel link is a choice that has been made too. */
function currentLink(graph: Graph, yardstick: Yardstick, edge: PlanLink): number[] {
  const range = pairRange(graph, edge.a, edge.b)
  if (!range || range.start === range.end) return []
  // Parallel links are sorted by price and kind, then by time: the first that is alike is the quickest of them.
  const alike = graph.links.slice(range.start, range.end).findIndex((link) => isAlike(link, edge))
  return [alike < 0 ? lightestIn(graph, range, yardstick) : range.start + alike]
}

function isAlike(link: PlanLink, edge: PlanLink): boolean {
  return link.pricePerGb === edge.pricePerGb && link.metered === edge.metered
}
