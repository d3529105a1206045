import { cheapestForest } from './cheapest.ts'
import { fastestForest, fromRoots } from './fastest.ts'
import type { Graph } from './graph.ts'
import { kruskal } from './kruskal.ts'
import { lightTree, walkRound } from './light-tree.ts'
import { sortedByKeys } from './radix-order.ts'
import type { Shortest } from './shortest-paths.ts'
import { makeTerrain, type Terrain } from './terrain.ts'
import { roundingShare, type Worth, weigh, worthOf, type Yardstick, yardstickOf } from './worth.ts'

/** Steps between cheapest and fastest; in large networks fewer, since each takes its time. Step s of n has stretch 2n/s - 1: its tree
 *  is at most 1 / (1 - s/n) times as heavy as the lightest, and s = n gives shortest paths. */
const steps = 8
const stepsInLarge = 4
const largeNetwork = 2000

export interface Choice {
  readonly forest: Uint32Array
  readonly yardstick: Yardstick
}

interface Candidate {
  readonly forest: Uint32Array
  readonly worth: Worth
}

interface Field {
  readonly graph: Graph
  readonly terrain: Terrain
  readonly cheapest: Candidate
  readonly fastest: Candidate
  readonly roots: readonly number[]
  readonly shortest: Shortest | undefined
}

/** The forest for an objective above 0.
 *  The candidates depend on the graph only: the cheapest forest, the fastest one, and light approximate shortest path trees between
 *  them, from the lightest to the straightest. Each is made once in time alone (walking along the cheapest forest) and once in price
 *  and time weighed equally, since neither metric says how dear a short way is.
 *  1 takes the least makespan. Between 0 and 1 the least weighed sum wins, over one set of candidates with one pair of scales for
 *  all objectives: hence, as the objective rises, cost never falls and time never rises (but for rounding). The candidates dearer than
 *  the fastest or slower than the cheapest forest are left out, so this holds at the ends too.
 *  Of the bounds of light trees (see `lightTree`) this keeps: the choice weighs no more than any of them, so no more than both ends.
 *  It keeps no bound on price alone, for which there is none: a way that is hardly longer may be free. */
export function chooseForest(graph: Graph, objective: number): Choice {
  const { field, isExact } = makeField(graph)
  const { cheapest } = field
  // The fastest there is, at the price of the cheapest: nothing is left to weigh.
  if (isExact && field.fastest.worth.cost <= cheapest.worth.cost) {
    return { forest: field.fastest.forest, yardstick: yardstickOf(objective, cheapest.worth, field.fastest.worth) }
  }
  const candidates = makeCandidates(field)
  let fastest = field.fastest
  for (const candidate of candidates) {
    if (candidate.worth.seconds < fastest.worth.seconds * (1 - roundingShare)) fastest = candidate
  }
  const yardstick = yardstickOf(objective, cheapest.worth, fastest.worth)
  if (objective >= 1) return { forest: fastest.forest, yardstick }
  let best = fastest
  for (const candidate of [cheapest, ...candidates]) {
    const { cost, seconds } = candidate.worth
    if (cost > fastest.worth.cost || seconds > cheapest.worth.seconds) continue
    if (compareWorth(yardstick, candidate.worth, best.worth) < 0) best = candidate
  }
  return { forest: best.forest, yardstick }
}

function compareWorth(yardstick: Yardstick, left: Worth, right: Worth): number {
  const difference = weigh(yardstick, left.cost, left.seconds) - weigh(yardstick, right.cost, right.seconds)
  return difference || left.cost - right.cost || left.seconds - right.seconds
}

function makeField(graph: Graph): { field: Field; isExact: boolean } {
  const cheapest = cheapestForest(graph)
  const terrain = makeTerrain(graph, cheapest)
  const candidate = (forest: Uint32Array): Candidate => ({ forest, worth: worthOf(graph, forest) })
  const { links, roots, isExact, shortest } = fastestForest(terrain, graph.seconds)
  const field = { graph, terrain, cheapest: candidate(cheapest), fastest: candidate(links), roots, shortest }
  return { field, isExact }
}

function makeCandidates(field: Field): Candidate[] {
  const { graph, terrain, cheapest, roots } = field
  const shortest = field.shortest ?? fromRoots(terrain, graph.seconds, roots)
  const candidates = lightTrees(field, { lengths: graph.seconds, base: cheapest.forest, shortest })
  const lengths = weighedEqually(field)
  if (!lengths) return candidates
  const base = lightestForest(terrain, lengths)
  return [...candidates, ...lightTrees(field, { lengths, base, shortest: fromRoots(terrain, lengths, roots) })]
}

function lightTrees(
  { terrain, graph, roots }: Field,
  { lengths, base, shortest }: { lengths: Float64Array; base: Uint32Array; shortest: Shortest },
): Candidate[] {
  const walk = walkRound(terrain, base, roots)
  const candidates: Candidate[] = []
  const last = terrain.nodes > largeNetwork ? stepsInLarge : steps
  for (let step = 0; step <= last; step++) {
    const forest = lightTree(walk, shortest, lengths, (2 * last) / step - 1)
    candidates.push({ forest, worth: worthOf(graph, forest) })
  }
  return candidates
}

/** Price and time of each link as shares of what the cheapest and the fastest forest take of them together. Undefined when both are
 *  free: then time is all that counts. */
function weighedEqually({ graph, cheapest, fastest }: Field): Float64Array | undefined {
  const costScale = cheapest.worth.cost + fastest.worth.cost
  if (costScale === 0) return undefined
  let secondsScale = 0
  for (const forest of [cheapest.forest, fastest.forest]) {
    for (const link of forest) secondsScale += graph.seconds[link] as number
  }
  return graph.price.map((price, link) => price / costScale + (graph.seconds[link] as number) / secondsScale)
}

function lightestForest(terrain: Terrain, lengths: Float64Array): Uint32Array {
  const order = sortedByKeys([lengths], lengths.length)
  return Uint32Array.from(kruskal(terrain, order, terrain.relays, terrain.component)).sort()
}
