import { NodeHeap } from './node-heap.ts'
import type { Arcs } from './rooted.ts'

export interface Source {
  readonly node: number
  /** What it is away already. */
  readonly distance: number
}

/** Distances from the nearest source, Infinity where none leads; `parentLink` is -1 at sources and there. */
export interface Shortest {
  readonly distance: Float64Array
  readonly parent: Int32Array
  readonly parentLink: Int32Array
}

/** Shortest paths from several sources at once, usually one in each component. Source: Dijkstra 1959, with a heap of four children
 *  per node. Equal distances: the path found first stays, which depends on the numbers of nodes and links alone. */
export function shortestPaths(arcs: Arcs, lengths: Float64Array, sources: Iterable<Source>): Shortest {
  const nodes = arcs.start.length - 1
  const distance = new Float64Array(nodes).fill(Number.POSITIVE_INFINITY)
  const parent = new Int32Array(nodes).fill(-1)
  const parentLink = new Int32Array(nodes).fill(-1)
  const heap = new NodeHeap(distance)
  for (const source of sources) {
    if (source.distance >= (distance[source.node] as number)) continue
    distance[source.node] = source.distance
    heap.raise(source.node)
  }
  for (let node = heap.take(); node >= 0; node = heap.take()) {
    const here = distance[node] as number
    const end = arcs.start[node + 1] as number
    for (let arc = arcs.start[node] as number; arc < end; arc++) {
      const next = arcs.node[arc] as number
      const link = arcs.link[arc] as number
      const there = here + (lengths[link] as number)
      if (there >= (distance[next] as number)) continue
      distance[next] = there
      parent[next] = node
      parentLink[next] = link
      heap.raise(next)
    }
  }
  return { distance, parent, parentLink }
}

/** The links among these that are not -1, and some more, ascending. */
export function presentLinks(links: Int32Array, more: readonly number[] = []): Uint32Array {
  const present = new Uint32Array(links.length + more.length)
  present.set(more)
  let count = more.length
  for (let at = 0; at < links.length; at++) {
    const link = links[at] as number
    if (link >= 0) present[count++] = link
  }
  return present.slice(0, count).sort()
}
