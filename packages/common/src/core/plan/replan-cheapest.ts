import type { Carried } from './carried.ts'
import { compareCheapest } from './cheapest.ts'
import type { Graph } from './graph.ts'
import { attachLeaves } from './leaves.ts'
import { pathBetween } from './path.ts'
import { rootForest } from './rooted.ts'

/** The cheapest forest after a change of one pair. A cut is closed by the first crossing link; a new link takes the place of the last
 *  one on the cycle that it closes, if that comes later. Both keep a cheapest forest cheapest, and there is only one. A change at a
 *  leaf-only node leaves the rest as it is, and has all such nodes hung on anew: that is one pass over the links. */
export function replacedCheapest(graph: Graph, { links, ends, isCut, range }: Carried): Uint32Array {
  const { isLeaf, from, to } = graph
  const isBetweenRelays = (link: number): boolean =>
    isLeaf[from[link] as number] === 0 && isLeaf[to[link] as number] === 0
  if (ends.some((node) => isLeaf[node] === 1)) {
    const leafLinks = attachLeaves(graph, (left, right) => compareCheapest(graph, left, right) < 0)
    return Uint32Array.from([...links.filter(isBetweenRelays), ...leafLinks]).sort()
  }
  const forest = [...links]
  if (isCut) joinByFirst(graph, forest, isBetweenRelays)
  else if (range.start < range.end) takeIn(graph, forest, firstOf(graph, range))
  return Uint32Array.from(forest).sort()
}

function firstOf(graph: Graph, { start, end }: Carried['range']): number {
  let first = start
  for (let link = start + 1; link < end; link++) if (compareCheapest(graph, link, first) < 0) first = link
  return first
}

function joinByFirst(graph: Graph, forest: number[], isBetweenRelays: (link: number) => boolean): void {
  const { root } = rootForest(graph, forest)
  const { from, to } = graph
  let first: number | undefined
  for (let link = 0; link < from.length; link++) {
    if (root[from[link] as number] === root[to[link] as number] || !isBetweenRelays(link)) continue
    if (first === undefined || compareCheapest(graph, link, first) < 0) first = link
  }
  if (first !== undefined) forest.push(first)
}

function takeIn(graph: Graph, forest: number[], link: number): void {
  const rooted = rootForest(graph, forest)
  const path = pathBetween(rooted, graph.from[link] as number, graph.to[link] as number)
  // Leaf-only nodes are ends of the forest: no path between others leads over their links.
  if (!path) {
    forest.push(link)
    return
  }
  const last = path.reduce((late, other) => (compareCheapest(graph, other, late) > 0 ? other : late))
  if (compareCheapest(graph, link, last) < 0) forest[forest.indexOf(last)] = link
}
