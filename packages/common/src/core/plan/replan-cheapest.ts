import type { Carried } from './carried.ts'
import { compareCheapest } from './cheapest.ts'
import { endsOf, type Graph } from './graph.ts'
import { attachLeaves } from './leaves.ts'
import { pathBetween } from './path.ts'
import { rootForest } from './rooted.ts'

/** The cheapest forest after a change of one pair. A cut is closed by the first crossing link; a new link takes the place of the last
 *  one on the cycle that it closes, if that comes later. Both keep a cheapest forest cheapest, and there is only one. Leaf-only nodes
 *  are hung on anew: that is one pass over the links. */
export function replacedCheapest(graph: Graph, { links, isCut, range }: Carried): Uint32Array {
  const { isLeaf, from, to } = graph
  const isBetweenRelays = (link: number): boolean =>
    isLeaf[from[link] as number] === 0 && isLeaf[to[link] as number] === 0
  const relayed = links.filter(isBetweenRelays)
  const isFirst = range.start < range.end && isBetweenRelays(range.start)
  if (isCut) joinByFirst(graph, relayed, isBetweenRelays)
  else if (isFirst) takeIn(graph, relayed, firstOf(graph, range))
  const leafLinks = attachLeaves(graph, (left, right) => compareCheapest(graph, left, right) < 0)
  return Uint32Array.from([...relayed, ...leafLinks]).sort()
}

function firstOf(graph: Graph, { start, end }: Carried['range']): number {
  let first = start
  for (let link = start + 1; link < end; link++) if (compareCheapest(graph, link, first) < 0) first = link
  return first
}

/** A cut between two leaf-only nodes, or to one, leaves nothing to join here. */
function joinByFirst(graph: Graph, forest: number[], isBetweenRelays: (link: number) => boolean): void {
  const { root } = rootForest(endsOf(graph), forest)
  const { from, to } = graph
  let first: number | undefined
  for (let link = 0; link < from.length; link++) {
    if (root[from[link] as number] === root[to[link] as number] || !isBetweenRelays(link)) continue
    if (first === undefined || compareCheapest(graph, link, first) < 0) first = link
  }
  if (first !== undefined) forest.push(first)
}

function takeIn(graph: Graph, forest: number[], link: number): void {
  const rooted = rootForest(endsOf(graph), forest)
  const path = pathBetween(rooted, graph.from[link] as number, graph.to[link] as number)
  if (!path) {
    forest.push(link)
    return
  }
  const last = path.reduce((late, other) => (compareCheapest(graph, other, late) > 0 ? other : late))
  if (compareCheapest(graph, link, last) < 0) forest[forest.indexOf(last)] = link
}
