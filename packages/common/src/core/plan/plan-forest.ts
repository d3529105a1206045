import type { NodeId } from '../causal/types.ts'
import { contentBps, latencySeconds } from './link-time.ts'
import type { Ends } from './rooted.ts'
import type { Plan, PlanLink } from './types.ts'

/** A plan with nodes and edges as numbers; per edge the expected round trip in seconds and bytes of content per second. */
export interface PlanForest extends Ends {
  readonly ids: readonly NodeId[]
  readonly indexOf: ReadonlyMap<NodeId, number>
  readonly latency: Float64Array
  readonly bps: Float64Array
}

export function planForest(plan: Plan, edges: readonly PlanLink[]): PlanForest {
  const ids = plan.components.flat().sort()
  const indexOf = new Map(ids.map((id, index) => [id, index]))
  const place = (id: NodeId): number => indexOf.get(id) as number
  return {
    nodes: ids.length,
    from: Uint32Array.from(edges, ({ a }) => place(a)),
    to: Uint32Array.from(edges, ({ b }) => place(b)),
    ids,
    indexOf,
    latency: Float64Array.from(edges, latencySeconds),
    bps: Float64Array.from(edges, contentBps),
  }
}

/** The plan's edges as the links between their ends are now: of several the one that scores least, ties to the first given that
 *  differs in nothing else that is scored. Edges without a link stay as they were. */
export function currentEdges(
  plan: Plan,
  links: readonly PlanLink[],
  score: (link: PlanLink) => number,
): readonly PlanLink[] {
  if (links === plan.edges) return plan.edges
  const found = new Map<string, PlanLink | undefined>(plan.edges.map(({ a, b }) => [pairKey(a, b), undefined]))
  for (const link of links) {
    const key = pairKey(link.a, link.b)
    if (!found.has(key)) continue
    const best = found.get(key)
    if (!best || score(link) < score(best)) found.set(key, link)
  }
  return plan.edges.map((edge) => {
    const now = found.get(pairKey(edge.a, edge.b))
    return now ? { ...now, a: edge.a, b: edge.b } : edge
  })
}

export function pairKey(a: NodeId, b: NodeId): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`
}
