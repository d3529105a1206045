/** Ends of numbered links. */
export interface Ends {
  readonly nodes: number
  readonly from: Uint32Array
  readonly to: Uint32Array
}

/** A forest seen from its roots.
 *  - `parent`, `parentLink` -1 at a root
 *  - `root` the root of each node's tree
 *  - `order` all nodes, parents before children, a tree after the other */
export interface Rooted {
  readonly parent: Int32Array
  readonly parentLink: Int32Array
  readonly root: Uint32Array
  readonly order: Uint32Array
}

/** Roots a forest at the given nodes; other trees at their lowest node. */
export function rootForest(ends: Ends, forest: ArrayLike<number>, roots: Iterable<number> = []): Rooted {
  const { nodes } = ends
  const arcs = arcsOf(ends, forest)
  const parent = new Int32Array(nodes).fill(-1)
  const parentLink = new Int32Array(nodes).fill(-1)
  const root = new Uint32Array(nodes).fill(nodes)
  const order = new Uint32Array(nodes)
  let filled = 0
  const grow = (start: number): void => {
    if (root[start] !== nodes) return
    root[start] = start
    order[filled] = start
    for (let at = filled++; at < filled; at++) {
      const node = order[at] as number
      for (let arc = arcs.start[node] as number; arc < (arcs.start[node + 1] as number); arc++) {
        const next = arcs.node[arc] as number
        if (root[next] !== nodes) continue
        parent[next] = node
        parentLink[next] = arcs.link[arc] as number
        root[next] = start
        order[filled++] = next
      }
    }
  }
  for (const start of roots) grow(start)
  for (let start = 0; start < nodes; start++) grow(start)
  return { parent, parentLink, root, order }
}

/** Neighbours in compressed rows: those of `node` are at `start[node]` up to `start[node + 1]`. */
export interface Arcs {
  readonly start: Uint32Array
  readonly node: Uint32Array
  readonly link: Uint32Array
}

/** Both directions of these links; with `origins`, only those out of nodes that are 1 in it. */
export function arcsOf({ nodes, from, to }: Ends, links: ArrayLike<number>, origins?: Uint8Array): Arcs {
  const start = new Uint32Array(nodes + 1)
  for (let at = 0; at < links.length; at++) {
    const one = from[links[at] as number] as number
    const other = to[links[at] as number] as number
    if (origins?.[one] !== 0) (start[one + 1] as number)++
    if (origins?.[other] !== 0) (start[other + 1] as number)++
  }
  for (let node = 0; node < nodes; node++) (start[node + 1] as number) += start[node] as number
  const node = new Uint32Array(start[nodes] as number)
  const link = new Uint32Array(node.length)
  const next = start.slice()
  const add = (origin: number, target: number, index: number): void => {
    if (origins?.[origin] === 0) return
    const at = (next[origin] as number)++
    node[at] = target
    link[at] = index
  }
  for (let at = 0; at < links.length; at++) {
    const index = links[at] as number
    add(from[index] as number, to[index] as number, index)
    add(to[index] as number, from[index] as number, index)
  }
  return { start, node, link }
}
