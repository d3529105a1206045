import { pairRange, withPair } from './graph.ts'
import { type PlanState, stateOf } from './plan.ts'
import { replacedBest } from './replan-best.ts'
import { replacedCheapest } from './replan-cheapest.ts'
import type { PairChange } from './types.ts'

/** The state after one pair of participants is joined differently: by another link, by several, or by none. Linear in nodes and links
 *  with small factors (a few ms at 10,000 nodes and 100,000 links); a new participant needs `startPlan`. Never throws.
 *  - Objective 0: the forest that `startPlan` would make of the changed request, link by link.
 *  - Above 0: at most one edge goes and one comes for it. The forest joins as many nodes as before and keeps the rules; a dead edge is
 *    replaced by the crossing one with which the forest is worth most; otherwise an edge moves only when that is better by the share
 *    of hysteresis, and never makes the forest worse. (Leaf-only nodes that
 *    are paired with each other part when one gets a better place, and the other may find a new one.) How far it is from what `startPlan` would choose is not bounded, since a
 *    sequence of single exchanges can end in a local optimum: plan anew, with `previous`, from time to time. */
export function replan(state: PlanState, change: PairChange): PlanState {
  const before = pairRange(state.graph, change.a, change.b)
  if (!before) return state
  const graph = withPair(state.graph, change, before)
  const range = { start: before.start, end: before.end + graph.links.length - state.graph.links.length }
  const shift = range.end - before.end
  const links: number[] = []
  for (const link of state.forest) {
    if (link < before.start) links.push(link)
    else if (link >= before.end) links.push(link + shift)
  }
  const carried = { links, isCut: links.length < state.forest.length, range }
  const { objective, yardstick } = state
  const forest = yardstick ? replacedBest(graph, carried, yardstick) : replacedCheapest(graph, carried)
  return stateOf({ objective, graph, forest, yardstick })
}
