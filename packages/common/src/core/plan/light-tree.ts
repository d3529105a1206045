import { rootForest } from './rooted.ts'
import type { Shortest } from './shortest-paths.ts'
import { opposite, type Terrain } from './terrain.ts'

/** Light approximate shortest path trees (Khuller, Raghavachari & Young 1995), one in each component: walks along `base`, a spanning
 *  forest, and wherever it has led farther than `stretch` times the shortest way from the root, takes that way instead.
 *  With `lengths` the metric of the shortest paths, whatever metric `base` is best in:
 *  - every node is at most `stretch` times its shortest distance from its root;
 *  - the lengths of all links together are at most (1 + 2 / (stretch - 1)) times those of `base`. So the tree is light in this metric;
 *    in another one, such as price, only as far as the two agree.
 *  Leaf-only nodes come last: each stays on its link in `base` where that keeps the first bound, else it takes the last link of its
 *  shortest path. The second bound holds for the rest of the tree.
 *  `shortest`: from `roots`, all of which are relays. `stretch` >= 1; Infinity gives `base`. Indexes of links, ascending. */
export function lightTree(options: {
  readonly terrain: Terrain
  readonly lengths: Float64Array
  readonly base: Uint32Array
  readonly shortest: Shortest
  readonly roots: readonly number[]
  readonly stretch: number
}): Uint32Array {
  const { terrain, lengths, base, shortest, roots, stretch } = options
  const walked = rootForest(terrain, base, roots)
  const distance = new Float64Array(terrain.nodes).fill(Number.POSITIVE_INFINITY)
  const links = new Int32Array(terrain.nodes).fill(-1)
  const relax = (node: number, via: number, link: number): void => {
    const length = (distance[via] as number) + (lengths[link] as number)
    if (length >= (distance[node] as number)) return
    distance[node] = length
    links[node] = link
  }
  const isTooFar = (node: number): boolean => (distance[node] as number) > stretch * (shortest.distance[node] as number)
  const addPath = (end: number): void => {
    const path: number[] = []
    for (let node = end; (distance[node] as number) > (shortest.distance[node] as number); ) {
      path.push(node)
      node = shortest.parent[node] as number
    }
    for (const node of path.toReversed())
      relax(node, shortest.parent[node] as number, shortest.parentLink[node] as number)
  }
  for (const root of roots) distance[root] = 0
  walk(terrain, walked, (node, via) => {
    const link = (walked.parent[node] === via ? walked.parentLink[node] : walked.parentLink[via]) as number
    relax(node, via, link)
    if (isTooFar(node)) addPath(node)
  })
  for (let leaf = 0; leaf < terrain.nodes; leaf++) {
    const link = walked.parentLink[leaf] as number
    if (terrain.relays[leaf] === 1 || link < 0) continue
    relax(leaf, opposite(terrain, link, leaf), link)
    if (isTooFar(leaf)) links[leaf] = shortest.parentLink[leaf] as number
  }
  return Uint32Array.from([...links].filter((link) => link >= 0)).sort()
}

/** Goes round every tree as along a wall, parent to child and back, over relays only: `step` is told of each move. */
function walk(
  { relays }: Terrain,
  { parent, order }: { readonly parent: Int32Array; readonly order: Uint32Array },
  step: (node: number, via: number) => void,
): void {
  const nextChild = new Int32Array(parent.length).fill(-1)
  const nextSibling = new Int32Array(parent.length).fill(-1)
  for (let at = order.length - 1; at >= 0; at--) {
    const node = order[at] as number
    const up = parent[node] as number
    if (up < 0 || relays[node] === 0) continue
    nextSibling[node] = nextChild[up] as number
    nextChild[up] = node
  }
  for (const root of order) {
    if ((parent[root] as number) >= 0) continue
    for (let node = root; ; ) {
      const child = nextChild[node] as number
      if (child >= 0) {
        nextChild[node] = nextSibling[child] as number
        step(child, node)
        node = child
        continue
      }
      const up = parent[node] as number
      if (up < 0) break
      step(up, node)
      node = up
    }
  }
}
