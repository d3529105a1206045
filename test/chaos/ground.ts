import type { LabGraph, LinkSpec } from '../lab/graph.ts'
import { Random } from '../scenarios/random.ts'

/** Where histories take place. */
export interface Ground {
  readonly graph: LabGraph
  /** A coordinator on the first node that all follow. */
  readonly isCoordinated: boolean
  /** Each replica on a small disk of its own, which can be full or away; else beside the home, so that what is moved to the kept
   *  versions is renamed and not copied. */
  readonly hasDisks: boolean
}

/** Histories with neighbouring seeds share their ground, because making it takes as long as a history. */
export const historiesPerGround = 25

export function groundOf(seed: number, agents?: number): Ground {
  const random = new Random(Math.floor(seed / historiesPerGround) * 7919 + 1)
  const drawn = random.pick([2, 3, 3, 4, 4, 5, 6])
  const names = Array.from({ length: agents ?? drawn }, (_, index) => `n${index}`)
  const links: LinkSpec[] = names
    .slice(1)
    .map((b, index) => link(random, names[random.integer(0, index + 1)] ?? 'n0', b))
  for (let extra = random.integer(0, names.length); extra > 0; extra -= 1) {
    const [a, b] = [random.pick(names), random.pick(names)].sort()
    if (a === undefined || b === undefined || a === b) continue
    if (!links.some((known) => known.a === a && known.b === b)) links.push(link(random, a, b))
  }
  const graph = { name: 'chaos', nodes: names, links }
  return { graph, isCoordinated: random.chance(0.5), hasDisks: random.chance(0.6) }
}

/** Of a usual link; what slows it down is restored to this. */
export const usualRate = '100mbit'

function link(random: Random, a: string, b: string): LinkSpec {
  return { a, b, dialer: random.pick([a, b]), rateBitsPerSecond: 100e6 }
}

export function groundText({ graph, isCoordinated, hasDisks }: Ground): string {
  const links = graph.links.map(({ a, b, dialer }) => (dialer === a ? `${a}>${b}` : `${b}>${a}`)).join(' ')
  return `${graph.nodes.length} agents (${links})${isCoordinated ? ', coordinator' : ''}${hasDisks ? ', disks' : ''}`
}
