import type { Carried } from './carried.ts'
import { type Graph, pairRange, withPair } from './graph.ts'
import { describe, solve } from './plan.ts'
import { replacedBest } from './replan-best.ts'
import { replacedCheapest } from './replan-cheapest.ts'
import { rootForest } from './rooted.ts'
import type { PairChange, Plan, PlanRequest } from './types.ts'
import type { Yardstick } from './worth.ts'

/** Follows the changes of single links: a plan that is made once and then mended, in a few milliseconds at 10,000 nodes and 100,000
 *  links where a new plan takes a hundred or two. Holds the only mutable state of the planner; plans once given do not change.
 *  - Objective 0: every plan is the one that `makePlan` would make of the changed request, edge by edge. (With `previous`, its bonus
 *    stays with the pairs that have been joined without a break.)
 *  - Above 0: a change moves one edge at most. The plan joins as many nodes as before and keeps the rules; a dead edge is replaced by
 *    the crossing one with which the forest is worth most; otherwise an edge moves only when that is better by the share of
 *    hysteresis, and never makes the forest worse. (Leaf-only nodes that are paired with each other part when one gets a better
 *    place, and the other may find a new one.) How far this is from what `makePlan` would choose is not bounded, since single
 *    exchanges can end in a local optimum: plan anew, with `previous`, from time to time. */
export class Replanner {
  #graph: Graph
  #forest: Uint32Array
  #root: Uint32Array
  #plan: Plan
  readonly #yardstick: Yardstick | undefined

  constructor(request: PlanRequest) {
    const { graph, forest, yardstick } = solve(request)
    this.#graph = graph
    this.#forest = forest
    this.#root = rootForest(graph, forest).root
    this.#plan = describe(graph, forest, this.#root)
    this.#yardstick = yardstick
  }

  get plan(): Plan {
    return this.#plan
  }

  /** The plan after two participants are joined differently. A pair with an end elsewhere changes nothing; a new participant needs a
   *  new planner. Time linear in nodes and links, with small factors. Never throws. */
  replan(change: PairChange): Plan {
    const before = pairRange(this.#graph, change.a, change.b)
    if (!before) return this.#plan
    const ends = endsOf(this.#graph, change)
    const wereJoined = this.#root[ends[0]] === this.#root[ends[1]]
    const count = this.#graph.links.length
    this.#graph = withPair(this.#graph, change, before)
    const shift = this.#graph.links.length - count
    const links = carriedOver(this.#forest, before, shift)
    const range = { start: before.start, end: before.end + shift }
    const isCut = links.length < this.#forest.length
    // Nothing that was in use is gone, and nothing new has come.
    const isIdle = !isCut && range.start === range.end
    const forest = isIdle ? Uint32Array.from(links) : this.#replaced({ links, ends, wereJoined, isCut, range })
    // A link within a tree that is not used shows nowhere in the plan.
    const isShown = isCut || !wereJoined || forest.some((link, at) => link !== links[at])
    this.#forest = forest
    if (!isShown) return this.#plan
    this.#root = rootForest(this.#graph, forest).root
    this.#plan = describe(this.#graph, forest, this.#root)
    return this.#plan
  }

  #replaced(carried: Carried): Uint32Array {
    const yardstick = this.#yardstick
    return yardstick ? replacedBest(this.#graph, carried, yardstick) : replacedCheapest(this.#graph, carried)
  }
}

function endsOf({ indexOf }: Graph, { a, b }: PairChange): [number, number] {
  return [indexOf.get(a) as number, indexOf.get(b) as number]
}

function carriedOver(forest: Uint32Array, { start, end }: { start: number; end: number }, shift: number): number[] {
  const links: number[] = []
  for (const link of forest) {
    if (link < start) links.push(link)
    else if (link >= end) links.push(link + shift)
  }
  return links
}
