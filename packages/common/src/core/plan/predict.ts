import type { NodeId } from '../causal/types.ts'
import { contentBps, latencySeconds, referenceBytes, wireOverhead } from './link-time.ts'
import { currentEdges, type PlanForest, planForest } from './plan-forest.ts'
import { slowestPath } from './slowest-path.ts'
import { secondsFrom } from './spread.ts'
import type { Plan, PlanLink } from './types.ts'

/** Price of bringing one GB to every participant once: a payload crosses each edge of its tree once. `links`: what the edges are like
 *  now, for a plan that was made earlier; the cheapest between two nodes counts, and an edge without any counts as it was. */
export function costPerGb(plan: Plan, links: readonly PlanLink[] = plan.edges): number {
  let cost = 0
  for (const { pricePerGb } of currentEdges(plan, links, (link) => link.pricePerGb)) cost += pricePerGb
  return cost
}

/** What is brought, and how.
 *  - `bytes` of content, written at `origin`; without one, at the worst place. With one, only its component counts
 *  - `chunkBytes` what a node must have before it passes anything on; from `bytes` upwards hops do not overlap at all
 *  - `uplinkBps` bytes per second that a node can send in all; who feeds several neighbours shares it out evenly
 *  - `links` what the edges are like now, see `costPerGb` */
export interface Spread {
  readonly bytes: number
  readonly origin?: NodeId | undefined
  readonly chunkBytes?: number | undefined
  readonly uplinkBps?: ReadonlyMap<NodeId, number> | undefined
  readonly links?: readonly PlanLink[] | undefined
}

/** Expected seconds until everybody in the origin's component has it. The first chunk crosses hop by hop; the rest follows at the pace
 *  of the slowest link on the way:
 *      sum over the path of (round trip + chunk / throughput) + (bytes - chunk) / least throughput on the path
 *  with headers and the links' absence counted in. Time n log n; with uplinks and no origin n^2, since the shares depend on where
 *  it starts. 0 where nothing is joined. */
export function predictSeconds(plan: Plan, spread: Spread): number {
  const { bytes, origin, uplinkBps } = spread
  const chunk = Math.min(bytes, spread.chunkBytes ?? referenceBytes)
  const edges = spread.links
    ? currentEdges(plan, spread.links, (link) => latencySeconds(link) + chunk / contentBps(link))
    : plan.edges
  const forest = planForest(plan, edges)
  const payload = { bytes, chunk }
  if (origin === undefined && !uplinkBps?.size) return slowestPath(forest, payload)
  const uplinks = uplinksOf(forest, uplinkBps)
  const origins = origin === undefined ? forest.ids.keys() : [forest.indexOf.get(origin) ?? -1]
  let worst = 0
  for (const start of origins) if (start >= 0) worst = Math.max(worst, secondsFrom(forest, start, payload, uplinks))
  return worst
}

/** Bytes of content per second that each node can send; Infinity where nothing is known. */
function uplinksOf({ ids }: PlanForest, uplinkBps: ReadonlyMap<NodeId, number> | undefined): Float64Array {
  return Float64Array.from(ids, (id) => (uplinkBps?.get(id) ?? Number.POSITIVE_INFINITY) / wireOverhead)
}
