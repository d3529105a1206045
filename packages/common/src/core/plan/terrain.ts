import type { Graph } from './graph.ts'
import { type Arcs, arcsOf, type Ends, rootForest } from './rooted.ts'

/** The part of a graph that any of its plans may use, once it is settled which nodes come together.
 *  - `component` the lowest node of what each node is joined to, the same for every objective
 *  - `relays` where paths may pass. Leaf-only nodes are not among them, but of two that are paired with each other the lower one is
 *    taken for one: nothing passes through it either
 *  - `links` between nodes of one component, never between two leaf-only nodes but in such a pair
 *  - `arcs` out of relays only, so that no path passes through a leaf-only node
 *  - `roots` the lowest relay of each component of two nodes or more, ascending by component */
export interface Terrain extends Ends {
  readonly component: Uint32Array
  readonly relays: Uint8Array
  readonly links: Uint32Array
  readonly arcs: Arcs
  readonly roots: readonly number[]
}

/** `forest`: any spanning forest that keeps the rules; which leaf-only node hangs on which component is taken from it. */
export function makeTerrain(graph: Graph, forest: Uint32Array): Terrain {
  const { isLeaf, from, to } = graph
  const { nodes } = graph
  const component = rootForest(graph, forest).root
  const relays = isLeaf.map((leaf) => 1 - leaf)
  for (const link of forest) {
    if (isLeaf[from[link] as number] === 1 && isLeaf[to[link] as number] === 1) relays[from[link] as number] = 1
  }
  const links = new Uint32Array(from.length)
  let count = 0
  for (let link = 0; link < from.length; link++) {
    const one = from[link] as number
    const other = to[link] as number
    if (component[one] !== component[other]) continue
    if (relays[one] === 1 || relays[other] === 1) links[count++] = link
  }
  const open = links.slice(0, count)
  const arcs = arcsOf(graph, open, relays)
  return { nodes, from, to, component, relays, links: open, arcs, roots: rootsOf(graph, forest, component, relays) }
}

function rootsOf(ends: Ends, forest: Uint32Array, component: Uint32Array, relays: Uint8Array): number[] {
  const inForest = new Uint8Array(ends.nodes)
  for (const link of forest) inForest[ends.from[link] as number] = inForest[ends.to[link] as number] = 1
  const rootOf = new Int32Array(ends.nodes).fill(-1)
  for (let node = ends.nodes - 1; node >= 0; node--) {
    if (inForest[node] === 1 && relays[node] === 1) rootOf[component[node] as number] = node
  }
  return [...rootOf].filter((root) => root >= 0)
}

/** The node at the other end. */
export function opposite({ from, to }: Ends, link: number, node: number): number {
  return from[link] === node ? (to[link] as number) : (from[link] as number)
}
