import type { PlanForest } from './plan-forest.ts'
import { rootForest } from './rooted.ts'

/** Seconds until the last node of `origin`'s tree has `bytes`. A node sends to all its children at once, and each gets an equal share
 *  of what it can send. */
export function secondsFrom(
  forest: PlanForest,
  origin: number,
  { bytes, chunk }: { readonly bytes: number; readonly chunk: number },
  uplinks: Float64Array,
): number {
  const { parent, parentLink, root, order } = rootForest(forest, [...forest.from.keys()], [origin])
  const children = new Uint32Array(order.length)
  for (const up of parent) if (up >= 0) (children[up] as number)++
  const first = new Float64Array(order.length)
  const pace = new Float64Array(order.length).fill(Number.POSITIVE_INFINITY)
  let last = 0
  for (const node of order) {
    if (root[node] !== origin) break
    const up = parent[node] as number
    if (up < 0) continue
    const link = parentLink[node] as number
    const bps = Math.min(forest.bps[link] as number, (uplinks[up] as number) / (children[up] as number))
    first[node] = (first[up] as number) + (forest.latency[link] as number) + chunk / bps
    pace[node] = Math.min(pace[up] as number, bps)
    last = Math.max(last, (first[node] as number) + (bytes - chunk) / (pace[node] as number))
  }
  return last
}
