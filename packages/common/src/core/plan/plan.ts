import type { NodeId } from '../causal/types.ts'
import { cheapestForest } from './cheapest.ts'
import { chooseForest } from './choose.ts'
import { edgeAt, type Graph, makeGraph } from './graph.ts'
import { rootForest } from './rooted.ts'
import { settled } from './settle.ts'
import type { Plan, PlanLink, PlanRequest } from './types.ts'
import type { Yardstick } from './worth.ts'

/** A spanning forest over the participants. Equal requests give equal plans on every machine, in whatever order nodes and links are
 *  given. Links that are not usable (cap used up, nonsense measured) or that end outside the participants are passed over. An objective
 *  outside 0..1 counts as the nearer end. Never throws.
 *  - 0: the cheapest forest, see `cheapestForest`
 *  - 1: the one with the least makespan; exact up to some 250 nodes, at most twice that above, see `fastestForest`
 *  - between: light approximate shortest path trees, see `chooseForest`. Cost rises and time falls with the objective
 *  With `previous`, that plan is kept as far as it is valid and nothing much better is there, see `cheapestForest` and `settled`. */
export function makePlan(request: PlanRequest): Plan {
  const { graph, forest } = solve(request)
  return describe(graph, forest, rootForest(graph, forest).root)
}

export interface Solution {
  readonly graph: Graph
  /** Indexes into the graph's links, ascending. */
  readonly forest: Uint32Array
  /** Undefined for the objective 0, which weighs nothing against price. */
  readonly yardstick: Yardstick | undefined
}

export function solve(request: PlanRequest): Solution {
  const objective = Math.min(1, Math.max(0, request.objective))
  const graph = makeGraph(request)
  if (!(objective > 0)) return { graph, forest: cheapestForest(graph), yardstick: undefined }
  const choice = chooseForest(graph, objective)
  const { previous } = request
  const forest = previous ? settled(graph, previous.edges, choice) : choice.forest
  return { graph, forest, yardstick: choice.yardstick }
}

/** `root`: the lowest node of the tree in which each node is. */
export function describe(graph: Graph, forest: Uint32Array, root: Uint32Array): Plan {
  const edges: PlanLink[] = []
  for (const link of forest) edges.push(edgeAt(graph, link))
  const components = componentsOf(graph, root)
  return { edges, components, heldApart: components.length > 1 ? heldApart(graph, root) : [] }
}

/** Trees are rooted at their lowest node: the map comes out in the order of their first ids. */
function componentsOf({ ids }: Graph, root: Uint32Array): (readonly NodeId[])[] {
  if (ids.length > 0 && !root.some((node) => node > 0)) return [ids]
  const components = new Map<number, NodeId[]>()
  for (let node = 0; node < root.length; node++) {
    const members = components.get(root[node] as number)
    if (members) members.push(ids[node] as NodeId)
    else components.set(node, [ids[node] as NodeId])
  }
  return [...components.values()]
}

function heldApart({ ids, isLeaf, from, to }: Graph, root: Uint32Array): NodeId[] {
  if (!isLeaf.includes(1)) return []
  const found = new Set<number>()
  for (let link = 0; link < from.length; link++) {
    const one = from[link] as number
    const other = to[link] as number
    if (root[one] === root[other]) continue
    if (isLeaf[one] === 1) found.add(one)
    if (isLeaf[other] === 1) found.add(other)
  }
  return [...found].sort((left, right) => left - right).map((node) => ids[node] as NodeId)
}
