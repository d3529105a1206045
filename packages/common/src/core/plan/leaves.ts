import type { Graph } from './graph.ts'

type Precedes = (left: number, right: number) => boolean

/** The links by which leaf-only nodes hang on the rest: each on the first of its links to a node that may relay, and the pairs. */
export function attachLeaves(graph: Graph, precedes: Precedes): number[] {
  const { isLeaf, from } = graph
  const firstOf = new Int32Array(isLeaf.length).fill(-1)
  for (let link = 0; link < from.length; link++) {
    const leaf = leafEnd(graph, link)
    if (leaf < 0) continue
    const first = firstOf[leaf] as number
    if (first < 0 || precedes(link, first)) firstOf[leaf] = link
  }
  return [...firstOf.filter((link) => link >= 0), ...pairStrays(graph, precedes)]
}

/** Links between leaf-only nodes that have none to a node that may relay, first links first, each node once: two filtered nodes alone
 *  can still exchange, and neither relays. That makes at least half as many pairs as there can be, by nothing but the order. */
export function pairStrays(graph: Graph, precedes: Precedes): number[] {
  const { isLeaf, from, to } = graph
  if (!isLeaf.includes(1)) return []
  const isTaken = leavesWithRelay(graph)
  const isFree = (link: number): boolean =>
    isLeaf[from[link] as number] === 1 &&
    isLeaf[to[link] as number] === 1 &&
    isTaken[from[link] as number] === 0 &&
    isTaken[to[link] as number] === 0
  const between: number[] = []
  for (let link = 0; link < from.length; link++) if (isFree(link)) between.push(link)
  const pairs: number[] = []
  for (const link of between.sort((left, right) => (precedes(left, right) ? -1 : 1))) {
    if (!isFree(link)) continue
    isTaken[from[link] as number] = isTaken[to[link] as number] = 1
    pairs.push(link)
  }
  return pairs
}

/** 1 for each leaf-only node that has a link to a node that may relay. */
export function leavesWithRelay(graph: Graph): Uint8Array {
  const hasRelay = new Uint8Array(graph.nodes)
  if (!graph.isLeaf.includes(1)) return hasRelay
  for (let link = 0; link < graph.from.length; link++) {
    const leaf = leafEnd(graph, link)
    if (leaf >= 0) hasRelay[leaf] = 1
  }
  return hasRelay
}

/** The end that is leaf-only when the other may relay, else -1. */
function leafEnd({ isLeaf, from, to }: Graph, link: number): number {
  const one = from[link] as number
  const other = to[link] as number
  if (isLeaf[one] === isLeaf[other]) return -1
  return isLeaf[one] === 1 ? one : other
}
