import type { PlanForest } from './plan-forest.ts'
import { sortedByKeys } from './radix-order.ts'
import { rootForest } from './rooted.ts'
import { treeDistance } from './tree-distance.ts'
import { UnionFind } from './union-find.ts'

/** Two nodes of a tree that are farthest apart, and how far. */
interface Span {
  readonly ends: readonly [number, number]
  readonly length: number
}

/** Seconds until `bytes` have crossed the path that takes longest, over all pairs of nodes. Links are put in from the quickest to the
 *  slowest: each is then the slowest of all paths that it closes, and the longest of these runs between ends of the two trees' longest
 *  paths. */
export function slowestPath(
  forest: PlanForest,
  { bytes, chunk }: { readonly bytes: number; readonly chunk: number },
): number {
  const { nodes, from, to, latency, bps } = forest
  const lengths = latency.map((seconds, edge) => seconds + chunk / (bps[edge] as number))
  const distance = treeDistance(rootForest(forest, [...from.keys()]), lengths)
  const spans: Span[] = Array.from({ length: nodes }, (_, node) => ({ ends: [node, node], length: 0 }))
  const sets = new UnionFind(nodes)
  let worst = 0
  for (const edge of sortedByKeys([bps], bps.length).reverse()) {
    const [one, other] = [from[edge] as number, to[edge] as number]
    const [left, right] = [spans[sets.find(one)] as Span, spans[sets.find(other)] as Span]
    const across = longest(spanFrom(left, one, distance), spanFrom(right, other, distance), lengths[edge] as number)
    worst = Math.max(worst, across.length + (bytes - chunk) / (bps[edge] as number))
    sets.union(one, other)
    spans[sets.find(one)] = [left, right].reduce((best, span) => (span.length > best.length ? span : best), across)
  }
  return worst
}

function spanFrom({ ends }: Span, node: number, distance: (one: number, other: number) => number): Span {
  const [toOne, toOther] = [distance(node, ends[0]), distance(node, ends[1])]
  return toOne >= toOther ? { ends: [node, ends[0]], length: toOne } : { ends: [node, ends[1]], length: toOther }
}

function longest(left: Span, right: Span, between: number): Span {
  return { ends: [left.ends[1], right.ends[1]], length: left.length + between + right.length }
}
