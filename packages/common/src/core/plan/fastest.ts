import { absoluteCentre, type Centre } from './absolute-centre.ts'
import { diametersOf } from './makespan.ts'
import { rootForest } from './rooted.ts'
import { presentLinks, type Shortest, type Source, shortestPaths } from './shortest-paths.ts'
import { opposite, type Terrain } from './terrain.ts'

/** Exact centres are found while the sum of n^3 over the components stays below this (some 20 ms): alone, one of 256 nodes. */
const exactWork = 2 ** 24

/** How often a centre is looked for from the far ends of the last one. */
const sweeps = 2

/** A forest of shortest path trees.
 *  - `roots` the relay at or next to the centre of each
 *  - `shortest` the paths from these, where they are known
 *  - `isExact` no forest has smaller diameters */
export interface Fastest {
  readonly links: Uint32Array
  readonly roots: readonly number[]
  readonly shortest: Shortest | undefined
  readonly isExact: boolean
}

/** Trees of small diameter: a small time until everybody has the reference payload, wherever it was written.
 *  Components that are small enough (see `exactWork`, taken in the order of their lowest nodes): the least diameter there is.
 *  Larger ones: the best of a few shortest path trees. Each of those has at most twice the least diameter: within it two nodes are at
 *  most twice the root's eccentricity apart, and no tree brings the root and the node farthest from it closer than the graph does. */
export function fastestForest(terrain: Terrain, seconds: Float64Array, work = exactWork): Fastest {
  const centres = exactCentres(terrain, seconds, work)
  const isExact = centres.size === terrain.roots.length
  const swept = isExact ? { roots: terrain.roots, shortest: undefined } : sweep(terrain, seconds)
  if (centres.size === 0) {
    const shortest = swept.shortest ?? fromRoots(terrain, seconds, swept.roots)
    return { links: linksOf(terrain, shortest), roots: swept.roots, shortest, isExact }
  }
  const centreOf = (root: number): Centre =>
    centres.get(terrain.component[root] as number) ?? { kind: 'node', node: root }
  const roots = swept.roots.map((root) => nearestRelay(terrain, centreOf(root)))
  const sources = swept.roots.flatMap((root) => sourcesAt(terrain, centreOf(root)))
  const links = linksOf(terrain, shortestPaths(terrain.arcs, seconds, sources), centres.values())
  return { links, roots, shortest: undefined, isExact }
}

function exactCentres(terrain: Terrain, seconds: Float64Array, work: number): Map<number, Centre> {
  const nodesOf = new Map<number, number[]>(terrain.roots.map((root) => [terrain.component[root] as number, []]))
  for (let node = 0; node < terrain.nodes; node++) nodesOf.get(terrain.component[node] as number)?.push(node)
  const linksOf = new Map<number, number[]>()
  let left = work
  for (const [label, nodes] of nodesOf) {
    if (nodes.length ** 3 > left) continue
    left -= nodes.length ** 3
    linksOf.set(label, [])
  }
  for (const link of terrain.links) linksOf.get(terrain.component[terrain.from[link] as number] as number)?.push(link)
  const centres = new Map<number, Centre>()
  for (const [label, links] of linksOf) {
    centres.set(label, absoluteCentre(terrain, nodesOf.get(label) as number[], links, seconds))
  }
  return centres
}

/** Where the tree is entered from the centre. A leaf-only end of a link is no root. */
function nearestRelay({ from, to, relays }: Terrain, centre: Centre): number {
  if (centre.kind === 'node') return centre.node
  const [one, other] = [from[centre.link] as number, to[centre.link] as number]
  if (relays[one] === 0) return other
  return relays[other] === 0 || centre.fromDistance <= centre.toDistance ? one : other
}

function sourcesAt({ from, to }: Terrain, centre: Centre): Source[] {
  if (centre.kind === 'node') return [{ node: centre.node, distance: 0 }]
  return [
    { node: from[centre.link] as number, distance: centre.fromDistance },
    { node: to[centre.link] as number, distance: centre.toDistance },
  ]
}

/** The links of the trees; a centre within a link has one tree on either side of it. */
function linksOf({ from, to }: Terrain, { parentLink }: Shortest, centres: Iterable<Centre> = []): Uint32Array {
  const within: number[] = []
  for (const centre of centres) {
    if (centre.kind === 'node') continue
    const isSource = (node: number | undefined): boolean => (parentLink[node as number] as number) < 0
    if (isSource(from[centre.link]) && isSource(to[centre.link])) within.push(centre.link)
  }
  return presentLinks(parentLink, within)
}

/** A root for each component: of the nodes half-way between two far ends, the one whose tree turns out best. `shortest` from all of
 *  them, if they were found in one sweep. */
function sweep(
  terrain: Terrain,
  seconds: Float64Array,
): { readonly roots: readonly number[]; readonly shortest: Shortest | undefined } {
  const { component } = terrain
  const best = terrain.roots.map((root) => ({ root, diameter: Number.POSITIVE_INFINITY }))
  let roots: readonly number[] = terrain.roots
  let shortest: Shortest | undefined
  for (let round = 0; round <= sweeps; round++) {
    const paths = fromRoots(terrain, seconds, roots)
    const diameters = diametersOf(rootForest(terrain, linksOf(terrain, paths)), seconds)
    const better = roots.map((root) => ({ root, diameter: diameters[component[root] as number] as number }))
    const isBetter = better.map(({ diameter }, at) => diameter < (best[at]?.diameter as number))
    better.forEach((found, at) => {
      if (isBetter[at]) best[at] = found
    })
    if (isBetter.includes(true)) shortest = isBetter.includes(false) ? undefined : paths
    if (round < sweeps) roots = halfWay(terrain, seconds, paths)
  }
  return { roots: best.map(({ root }) => root), shortest }
}

export function fromRoots(terrain: Terrain, lengths: Float64Array, roots: readonly number[]): Shortest {
  return shortestPaths(
    terrain.arcs,
    lengths,
    roots.map((node) => ({ node, distance: 0 })),
  )
}

/** From the node farthest from each old root, half of the way to the node farthest from that. */
function halfWay(terrain: Terrain, seconds: Float64Array, shortest: Shortest): number[] {
  const ends = farthest(terrain, shortest).map((node) => {
    return terrain.relays[node] === 1 ? node : opposite(terrain, shortest.parentLink[node] as number, node)
  })
  const across = fromRoots(terrain, seconds, ends)
  return farthest(terrain, across).map((end) => middleOf(terrain, across, end))
}

/** The relay on the way to `end` that is nearest to its middle. */
function middleOf({ relays }: Terrain, { distance, parent }: Shortest, end: number): number {
  const offMiddle = (node: number): number => Math.abs((distance[node] as number) - (distance[end] as number) / 2)
  let best = end
  for (let node = end; node >= 0; node = parent[node] as number) {
    const isBetter = relays[best] === 0 || offMiddle(node) < offMiddle(best)
    if (relays[node] === 1 && isBetter) best = node
  }
  return best
}

/** The farthest node of each component, in the order of the terrain's roots. */
function farthest({ component, roots }: Terrain, { distance }: Shortest): number[] {
  const far = new Map(roots.map((root) => [component[root] as number, root]))
  for (let node = 0; node < component.length; node++) {
    const label = component[node] as number
    const best = far.get(label)
    if (best !== undefined && (distance[node] as number) > (distance[best] as number)) far.set(label, node)
  }
  return [...far.values()]
}
