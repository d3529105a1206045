import type { Rooted } from './rooted.ts'

/** How far the farthest node of its tree is from each node, along the tree, and the greatest of these in the forest: the time until
 *  everybody has what was written at the worst place. Sums run from the far ends towards the root: a tree rooted at its lowest node
 *  has one value, to the last bit. */
export interface Reach {
  readonly eccentricity: Float64Array
  readonly diameter: number
}

interface Depths {
  /** To the farthest node below, and to the farthest below another child. */
  readonly first: Float64Array
  readonly second: Float64Array
}

export function reachOf(rooted: Omit<Rooted, 'root'>, lengths: Float64Array): Reach {
  const { parent, parentLink, order } = rooted
  const { first, second } = depthsOf(rooted, lengths)
  const eccentricity = new Float64Array(order.length)
  const above = new Float64Array(order.length)
  let diameter = 0
  for (const node of order) {
    const up = parent[node] as number
    if (up >= 0) {
      const length = lengths[parentLink[node] as number] as number
      const isFirst = (first[node] as number) + length === first[up]
      above[node] = Math.max(above[up] as number, (isFirst ? second[up] : first[up]) as number) + length
    }
    eccentricity[node] = Math.max(first[node] as number, above[node] as number)
    diameter = Math.max(diameter, (first[node] as number) + (second[node] as number))
  }
  return { eccentricity, diameter }
}

/** The greatest diameter of a tree. */
export function diameterOf(rooted: Rooted, lengths: Float64Array): number {
  const { first, second } = depthsOf(rooted, lengths)
  let diameter = 0
  for (let node = 0; node < first.length; node++) {
    diameter = Math.max(diameter, (first[node] as number) + (second[node] as number))
  }
  return diameter
}

/** The diameter of each tree, at its root. */
export function diametersOf(rooted: Rooted, lengths: Float64Array): Float64Array {
  const { first, second } = depthsOf(rooted, lengths)
  const diameters = new Float64Array(rooted.order.length)
  for (const node of rooted.order) {
    const root = rooted.root[node] as number
    diameters[root] = Math.max(diameters[root] as number, (first[node] as number) + (second[node] as number))
  }
  return diameters
}

function depthsOf({ parent, parentLink, order }: Omit<Rooted, 'root'>, lengths: Float64Array): Depths {
  const first = new Float64Array(order.length)
  const second = new Float64Array(order.length)
  for (let at = order.length - 1; at >= 0; at--) {
    const node = order[at] as number
    const up = parent[node] as number
    if (up < 0) continue
    const depth = (first[node] as number) + (lengths[parentLink[node] as number] as number)
    if (depth > (first[up] as number)) {
      second[up] = first[up] as number
      first[up] = depth
    } else if (depth > (second[up] as number)) {
      second[up] = depth
    }
  }
  return { first, second }
}
