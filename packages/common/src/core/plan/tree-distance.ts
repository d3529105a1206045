import type { Rooted } from './rooted.ts'

/** Distance between two nodes of one tree, in steps logarithmic in its depth. Each node keeps, beside its parent, one far ancestor,
 *  chosen so that a climb can skip. Source: Myers 1983, an applicative random-access stack. */
export function treeDistance(rooted: Rooted, lengths: Float64Array): (one: number, other: number) => number {
  const { parent, parentLink, order } = rooted
  const fromRoot = new Float64Array(order.length)
  const depth = new Uint32Array(order.length)
  const jump = new Uint32Array(order.length)
  const at = (array: Uint32Array, node: number): number => array[node] as number
  for (const node of order) {
    const up = parent[node] as number
    jump[node] = node
    if (up < 0) continue
    fromRoot[node] = (fromRoot[up] as number) + (lengths[parentLink[node] as number] as number)
    depth[node] = at(depth, up) + 1
    const far = at(jump, up)
    const farther = at(jump, far)
    jump[node] = at(depth, up) - at(depth, far) === at(depth, far) - at(depth, farther) ? farther : up
  }
  const commonAncestor = (one: number, other: number): number => {
    let [low, high] = at(depth, one) > at(depth, other) ? [one, other] : [other, one]
    while (at(depth, low) > at(depth, high)) {
      const far = at(jump, low)
      low = at(depth, far) < at(depth, high) ? (parent[low] as number) : far
    }
    while (low !== high) {
      const canSkip = at(jump, low) !== at(jump, high)
      low = canSkip ? at(jump, low) : (parent[low] as number)
      high = canSkip ? at(jump, high) : (parent[high] as number)
    }
    return low
  }
  return (one, other) => {
    const meeting = fromRoot[commonAncestor(one, other)] as number
    return (fromRoot[one] as number) - meeting + ((fromRoot[other] as number) - meeting)
  }
}
