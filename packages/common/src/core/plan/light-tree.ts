import { rootForest } from './rooted.ts'
import { presentLinks, type Shortest } from './shortest-paths.ts'
import { opposite, type Terrain } from './terrain.ts'

/** The way round every tree of a forest as along a wall, parent to child and back, over relays only: move by move the node that is
 *  reached, the one before, and the link between them. */
export interface Walk {
  readonly terrain: Terrain
  readonly roots: readonly number[]
  readonly node: Uint32Array
  readonly via: Uint32Array
  readonly link: Uint32Array
  /** The link on which each node that is no relay hangs, else -1. */
  readonly leafLink: Int32Array
}

/** Light approximate shortest path trees (Khuller, Raghavachari & Young 1995), one in each component: walks along a spanning forest,
 *  the base, and wherever it has led farther than `stretch` times the shortest way from the root, takes that way instead.
 *  With `lengths` the metric of the shortest paths, whatever metric the base is best in:
 *  - every node is at most `stretch` times its shortest distance from its root;
 *  - the lengths of all links together are at most (1 + 2 / (stretch - 1)) times those of the base. So the tree is light in this metric;
 *    in another one, such as price, only as far as the two agree.
 *  Leaf-only nodes come last: each stays on its link in the base where that keeps the first bound, else it takes the last link of its
 *  shortest path. The second bound holds for the rest of the tree.
 *  `shortest`: from the roots of the walk. `stretch` >= 1; Infinity gives the base. Indexes of links, ascending. */
export function lightTree(walk: Walk, shortest: Shortest, lengths: Float64Array, stretch: number): Uint32Array {
  const { terrain, leafLink } = walk
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
    for (const node of path.reverse()) relax(node, shortest.parent[node] as number, shortest.parentLink[node] as number)
  }
  for (const root of walk.roots) distance[root] = 0
  for (let move = 0; move < walk.node.length; move++) {
    const node = walk.node[move] as number
    relax(node, walk.via[move] as number, walk.link[move] as number)
    if (isTooFar(node)) addPath(node)
  }
  for (let leaf = 0; leaf < terrain.nodes; leaf++) {
    const link = leafLink[leaf] as number
    if (link < 0) continue
    relax(leaf, opposite(terrain, link, leaf), link)
    if (isTooFar(leaf)) links[leaf] = shortest.parentLink[leaf] as number
  }
  return presentLinks(links)
}

/** `base`: a spanning forest that keeps the rules; `roots`: one relay in each of its trees of two nodes or more. */
export function walkRound(terrain: Terrain, base: Uint32Array, roots: readonly number[]): Walk {
  const { parent, parentLink, order } = rootForest(terrain, base, roots)
  const { nextChild, nextSibling } = childLists(terrain, parent, order)
  const moves: { node: number[]; via: number[]; link: number[] } = { node: [], via: [], link: [] }
  const move = (via: number, node: number, link: number): number => {
    moves.node.push(node)
    moves.via.push(via)
    moves.link.push(link)
    return node
  }
  for (const root of roots) {
    for (let node = root; node >= 0; ) {
      const child = nextChild[node] as number
      if (child >= 0) {
        nextChild[node] = nextSibling[child] as number
        node = move(node, child, parentLink[child] as number)
      } else {
        const up = parent[node] as number
        node = up < 0 ? up : move(node, up, parentLink[node] as number)
      }
    }
  }
  const leafLink = parentLink.map((link, node) => (terrain.relays[node] === 1 ? -1 : link))
  const { node, via, link } = moves
  return {
    terrain,
    roots,
    node: Uint32Array.from(node),
    via: Uint32Array.from(via),
    link: Uint32Array.from(link),
    leafLink,
  }
}

function childLists({ relays }: Terrain, parent: Int32Array, order: Uint32Array) {
  const nextChild = new Int32Array(parent.length).fill(-1)
  const nextSibling = new Int32Array(parent.length).fill(-1)
  for (let at = order.length - 1; at >= 0; at--) {
    const node = order[at] as number
    const up = parent[node] as number
    if (up < 0 || relays[node] === 0) continue
    nextSibling[node] = nextChild[up] as number
    nextChild[up] = node
  }
  return { nextChild, nextSibling }
}
