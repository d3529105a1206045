import type { NodeId } from '../causal/types.ts'
import { cheapestForest } from './cheapest.ts'
import { chooseForest } from './choose.ts'
import { endsOf, type Graph, makeGraph, measure } from './graph.ts'
import { rootForest } from './rooted.ts'
import { settled } from './settle.ts'
import type { Plan, PlanLink, PlanRequest } from './types.ts'
import type { Yardstick } from './worth.ts'

/** A plan with what it takes to follow changes of single links, see `replan`. Plain data, never changed.
 *  `forest` holds indexes into the graph's links, ascending. */
export interface PlanState {
  readonly objective: number
  readonly graph: Graph
  readonly forest: Uint32Array
  /** Undefined for the objective 0, which weighs nothing against price. */
  readonly yardstick: Yardstick | undefined
  readonly plan: Plan
}

/** A spanning forest over the participants. Equal requests give equal plans on every machine, in whatever order nodes and links are
 *  given. Links that are not usable (cap used up, nonsense measured) or that end outside the participants are passed over. An objective
 *  outside 0..1 counts as the nearer end. Never throws.
 *  - 0: the cheapest forest, see `cheapestForest`
 *  - 1: the one with the least makespan; exact up to some 250 nodes, at most twice that above, see `fastestForest`
 *  - between: light approximate shortest path trees, see `chooseForest`. Cost rises and time falls with the objective. */
export function makePlan(request: PlanRequest): Plan {
  return startPlan(request).plan
}

export function startPlan(request: PlanRequest): PlanState {
  const objective = Math.min(1, Math.max(0, request.objective))
  const graph = makeGraph(request)
  const metric = measure(graph.links)
  if (!(objective > 0))
    return stateOf({ objective: 0, graph, forest: cheapestForest(graph, metric), yardstick: undefined })
  const choice = chooseForest(graph, metric, objective)
  const { previous } = request
  const forest = previous ? settled(graph, metric, previous.edges, choice) : choice.forest
  return stateOf({ objective, graph, forest, yardstick: choice.yardstick })
}

export function stateOf(parts: Omit<PlanState, 'plan'>): PlanState {
  return { ...parts, plan: describe(parts.graph, parts.forest) }
}

function describe(graph: Graph, forest: Uint32Array): Plan {
  const { root } = rootForest(endsOf(graph), forest)
  const edges = Array.from(forest, (link) => lowerEndFirst(graph.links[link] as PlanLink))
  const components = new Map<number, NodeId[]>()
  // Trees are rooted at their lowest node: the map comes out in the order of their first ids.
  for (let node = 0; node < root.length; node++) {
    const members = components.get(root[node] as number)
    if (members) members.push(graph.ids[node] as NodeId)
    else components.set(node, [graph.ids[node] as NodeId])
  }
  return { edges, components: [...components.values()], heldApart: heldApart(graph, root) }
}

function lowerEndFirst(link: PlanLink): PlanLink {
  return link.a < link.b ? link : { ...link, a: link.b, b: link.a }
}

function heldApart({ ids, isLeaf, from, to }: Graph, root: Uint32Array): NodeId[] {
  if (!isLeaf.includes(1)) return []
  const found = new Set<number>()
  for (let link = 0; link < from.length; link++) {
    const [one, other] = [from[link] as number, to[link] as number]
    if (root[one] === root[other]) continue
    for (const node of [one, other]) if (isLeaf[node] === 1) found.add(node)
  }
  return [...found].sort((left, right) => left - right).map((node) => ids[node] as NodeId)
}
