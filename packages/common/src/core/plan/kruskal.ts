import type { Ends } from './rooted.ts'
import { UnionFind } from './union-find.ts'

/** The spanning forest of the first links in this order (Kruskal 1956). Nodes that are no relays hang on the first of their links to
 *  one that is, and pass nothing on; links between two of them are left out, and with `component` those between two components. */
export function kruskal(
  { nodes, from, to }: Ends,
  order: Uint32Array,
  relays: Uint8Array,
  component?: Uint32Array,
): number[] {
  const sets = new UnionFind(nodes)
  const isHung = new Uint8Array(nodes)
  const forest: number[] = []
  for (const link of order) {
    const one = from[link] as number
    const other = to[link] as number
    if (component && component[one] !== component[other]) continue
    const [isOneRelay, isOtherRelay] = [relays[one] === 1, relays[other] === 1]
    if (isOneRelay && isOtherRelay) {
      if (sets.union(one, other)) forest.push(link)
    } else if (isOneRelay !== isOtherRelay) {
      const leaf = isOneRelay ? other : one
      if (isHung[leaf] === 0) forest.push(link)
      isHung[leaf] = 1
    }
  }
  return forest
}
