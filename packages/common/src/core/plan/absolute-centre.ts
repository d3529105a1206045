import type { Terrain } from './terrain.ts'

/** A place from which the farthest node is as near as can be: on `link`, `fromDistance` from its lower end and `toDistance` from
 *  its upper one; or at `node`. */
export type Centre =
  | { readonly kind: 'node'; readonly node: number }
  | { readonly kind: 'link'; readonly link: number; readonly fromDistance: number; readonly toDistance: number }

interface Region {
  readonly nodes: readonly number[]
  readonly placeOf: ReadonlyMap<number, number>
  readonly links: readonly number[]
  /** Row by row; no path passes through a leaf-only node, nor begins at one. */
  readonly distance: Float64Array
}

/** The absolute 1-centre of one component: the shortest path tree from it has the least diameter of all spanning trees (Hassin &
 *  Tamir 1995). All pairs by Floyd & Warshall, then the best point of every link in one pass over the nodes by falling distance from
 *  its end (Kariv & Hakimi 1979). Time n^3 + n * links. Leaf-only nodes are ends of paths and never in between, and the theorem
 *  holds for such trees as well: a tree's own centre sees its nodes no nearer than along the shortest allowed paths.
 *  `links`: all of the component's in the terrain. */
export function absoluteCentre(
  terrain: Terrain,
  nodes: readonly number[],
  links: readonly number[],
  seconds: Float64Array,
): Centre {
  const region = distancesWithin(terrain, nodes, links, seconds)
  let best: { radius: number; centre: Centre } = {
    radius: Number.POSITIVE_INFINITY,
    centre: { kind: 'node', node: -1 },
  }
  const offer = (radius: number, centre: Centre): void => {
    if (radius < best.radius) best = { radius, centre }
  }
  const farFirst = nodes.map((node) => (terrain.relays[node] === 1 ? byFallingDistance(region, node) : undefined))
  for (let place = 0; place < nodes.length; place++) {
    const farthest = farFirst[place]?.[0]
    if (farthest !== undefined) {
      offer(region.distance[place * nodes.length + farthest] as number, { kind: 'node', node: nodes[place] as number })
    }
  }
  for (const link of links) offerPointsOn(terrain, region, link, { seconds, farFirst, offer })
  return best.centre
}

function distancesWithin(
  { from, to, relays }: Terrain,
  nodes: readonly number[],
  links: readonly number[],
  seconds: Float64Array,
): Region {
  const size = nodes.length
  const placeOf = new Map(nodes.map((node, place) => [node, place]))
  const distance = new Float64Array(size * size).fill(Number.POSITIVE_INFINITY)
  for (let place = 0; place < size; place++) distance[place * size + place] = 0
  const shorten = (origin: number, target: number, length: number): void => {
    if (relays[origin] === 0) return
    const at = (placeOf.get(origin) as number) * size + (placeOf.get(target) as number)
    distance[at] = Math.min(distance[at] as number, length)
  }
  for (const link of links) {
    const [one, other, length] = [from[link] as number, to[link] as number, seconds[link] as number]
    shorten(one, other, length)
    shorten(other, one, length)
  }
  for (let via = 0; via < size; via++) {
    if (relays[nodes[via] as number] === 1) shortenVia(distance, size, via)
  }
  return { nodes, placeOf, links, distance }
}

function shortenVia(distance: Float64Array, size: number, via: number): void {
  for (let origin = 0; origin < size; origin++) {
    const there = distance[origin * size + via] as number
    if (there === Number.POSITIVE_INFINITY) continue
    for (let target = 0; target < size; target++) {
      const length = there + (distance[via * size + target] as number)
      if (length < (distance[origin * size + target] as number)) distance[origin * size + target] = length
    }
  }
}

function byFallingDistance({ nodes, placeOf, distance }: Region, node: number): Uint32Array {
  const row = (placeOf.get(node) as number) * nodes.length
  const far = (place: number): number => distance[row + place] as number
  return Uint32Array.from(nodes.keys()).sort((left, right) => far(right) - far(left) || left - right)
}

interface Search {
  readonly seconds: Float64Array
  readonly farFirst: readonly (Uint32Array | undefined)[]
  readonly offer: (radius: number, centre: Centre) => void
}

/** Splits the nodes into those that are reached by the far end of the link and those by the near one: for each such split that
 *  can be best, the near end's share is the nodes nearest to it. At the best point both sides are equally far. */
function offerPointsOn(
  { from, to }: Terrain,
  region: Region,
  link: number,
  { seconds, farFirst, offer }: Search,
): void {
  const { placeOf, nodes, distance } = region
  const ends = [placeOf.get(from[link] as number) as number, placeOf.get(to[link] as number) as number] as const
  const isSwapped = farFirst[ends[0]] === undefined
  const [near, far] = isSwapped ? [ends[1], ends[0]] : ends
  const order = farFirst[near] as Uint32Array
  const length = seconds[link] as number
  let beyond = 0
  for (let split = 1; split < order.length; split++) {
    beyond = Math.max(beyond, distance[far * nodes.length + (order[split - 1] as number)] as number)
    const within = distance[near * nodes.length + (order[split] as number)] as number
    const nearDistance = (beyond + length - within) / 2
    if (beyond === Number.POSITIVE_INFINITY) break
    if (nearDistance < 0 || nearDistance > length) continue
    const farDistance = length - nearDistance
    const [fromDistance, toDistance] = isSwapped ? [farDistance, nearDistance] : [nearDistance, farDistance]
    offer((beyond + length + within) / 2, { kind: 'link', link, fromDistance, toDistance })
  }
}
