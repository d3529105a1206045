import fc from 'fast-check'
import type { NodeId } from '../core/causal/types.ts'
import type { PlanLink, PlanRequest } from '../core/plan/types.ts'

export const nodeId = (at: number): NodeId => `n${String(at).padStart(4, '0')}` as NodeId

export const mbit = 125_000

/** A free, quick link, but for what is given. */
export function link(a: string, b: string, rest: Partial<PlanLink> = {}): PlanLink {
  const usual = { rttMs: 1, throughputBps: 100 * mbit, pricePerGb: 0, availability: 1, metered: false }
  return { a: a as NodeId, b: b as NodeId, ...usual, ...rest }
}

export function request(links: readonly PlanLink[], rest: Partial<PlanRequest> = {}): PlanRequest {
  const participants = [...new Set(links.flatMap(({ a, b }) => [a, b]))]
  return { participants, leafOnly: new Set(), links, objective: 0, ...rest }
}

/** The ends of a plan's edges, such as 'a-b'. */
export function pairs(edges: readonly PlanLink[]): string[] {
  return edges.map(({ a, b }) => `${a}-${b}`)
}

interface Size {
  readonly nodes: number
  readonly links: number
  /** At most so many of them may not relay. */
  readonly leaves?: number
  /** Every node is joined to one of the lower ones. */
  readonly connected?: boolean
}

/** Few distinct prices and throughputs, so that there are ties. */
const anyQuality = fc.record({
  rttMs: fc.oneof(fc.constantFrom(0, 1, 20), fc.double({ min: 0, max: 300, noNaN: true })),
  throughputBps: fc.oneof(
    fc.constantFrom(2 * mbit, 10 * mbit, 100 * mbit),
    fc.double({ min: 1000, max: 1e9, noNaN: true }),
  ),
  pricePerGb: fc.constantFrom(0, 0, 0, 0.5, 1, 2, 7.25),
  availability: fc.constantFrom(1, 1, 0.9, 0.3, 0.001),
  metered: fc.boolean(),
})

/** Links may be parallel, and given either way round; ids are not in the order of the participants. */
export function anyNetwork(size: Size): fc.Arbitrary<PlanRequest> {
  return fc.integer({ min: 1, max: size.nodes }).chain((count) => {
    const node = fc.nat({ max: count - 1 })
    const free = fc.tuple(node, node, anyQuality)
    const spine = fc.tuple(...Array.from({ length: count - 1 }, (_, at) => fc.tuple(fc.nat({ max: at }), anyQuality)))
    return fc
      .record({
        spine,
        free: fc.array(free, { maxLength: size.links, size: 'max' }),
        leaves: fc.uniqueArray(node, { maxLength: size.leaves ?? 0 }),
        objective: fc.double({ min: 0, max: 1, noNaN: true }),
      })
      .map(({ spine, free, leaves, objective }) => {
        const links = free
          .filter(([a, b]) => a !== b)
          .map(([a, b, quality]) => ({ a: nodeId(a), b: nodeId(b), ...quality }))
        const joined = spine.map(([a, quality], at) => ({ a: nodeId(a), b: nodeId(at + 1), ...quality }))
        return {
          participants: Array.from({ length: count }, (_, at) => nodeId(count - 1 - at)),
          leafOnly: new Set(leaves.map(nodeId)),
          links: size.connected ? [...links, ...joined] : links,
          objective,
        }
      })
  })
}

/** A change of one pair of a network's participants: other links, or none. */
export const anyChange = fc.record({
  one: fc.nat(),
  other: fc.nat(),
  qualities: fc.array(anyQuality, { maxLength: 2 }),
})

export type AnyChange = ReturnType<(typeof anyChange)['generate']>['value']
