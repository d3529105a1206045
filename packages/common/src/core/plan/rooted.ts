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

/** Both directions of these links, or those that `isOpen` allows. */
export function arcsOf(
  { nodes, from, to }: Ends,
  links: ArrayLike<number>,
  isOpen: (link: number, origin: number) => boolean = () => true,
): Arcs {
  const start = new Uint32Array(nodes + 1)
  const each = (visit: (origin: number, target: number, link: number) => void): void => {
    for (let at = 0; at < links.length; at++) {
      const link = links[at] as number
      const [one, other] = [from[link] as number, to[link] as number]
      if (isOpen(link, one)) visit(one, other, link)
      if (isOpen(link, other)) visit(other, one, link)
    }
  }
  each((origin) => (start[origin + 1] as number)++)
  for (let node = 0; node < nodes; node++) (start[node + 1] as number) += start[node] as number
  const node = new Uint32Array(start[nodes] as number)
  const link = new Uint32Array(node.length)
  const next = start.slice()
  each((origin, target, index) => {
    const at = (next[origin] as number)++
    node[at] = target
    link[at] = index
  })
  return { start, node, link }
}
