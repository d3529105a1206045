import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyNetwork, link, mbit, request } from '../../testing/networks.ts'
import type { NodeId } from '../causal/types.ts'
import { contentBps, latencySeconds, wireOverhead } from './link-time.ts'
import { makePlan } from './plan.ts'
import { costPerGb, predictSeconds } from './predict.ts'
import type { Plan } from './types.ts'

const id = (name: string): NodeId => name as NodeId
const megabyte = 1_000_000
const chain = makePlan(
  request([
    link('a', 'b', { rttMs: 10, throughputBps: 10 * megabyte }),
    link('b', 'c', { rttMs: 20, throughputBps: 5 * megabyte, pricePerGb: 2 }),
    link('c', 'd', { rttMs: 30, throughputBps: 20 * megabyte, pricePerGb: 0.5 }),
  ]),
)
const roundTrips = 0.06

/** The model, path by path. */
function bruteSeconds({ edges, components }: Plan, bytes: number, chunkBytes: number): number {
  const chunk = Math.min(bytes, chunkBytes)
  let worst = 0
  const visit = (node: NodeId, from: NodeId | undefined, first: number, pace: number): void => {
    if (from !== undefined) worst = Math.max(worst, first + (bytes - chunk) / pace)
    for (const edge of edges) {
      const next = edge.a === node ? edge.b : edge.a
      if ((edge.a !== node && edge.b !== node) || next === from) continue
      const bps = contentBps(edge)
      visit(next, node, first + latencySeconds(edge) + chunk / bps, Math.min(pace, bps))
    }
  }
  for (const node of components.flat()) visit(node, undefined, 0, Number.POSITIVE_INFINITY)
  return worst
}

describe('the predicted time', () => {
  it('adds up hop by hop when nothing overlaps', () => {
    const bytes = 100 * megabyte
    const expected = roundTrips + wireOverhead * (10 + 20 + 5)
    expect(predictSeconds(chain, { bytes, chunkBytes: bytes })).toBeCloseTo(expected, 9)
    expect(predictSeconds(chain, { bytes, chunkBytes: Number.POSITIVE_INFINITY })).toBeCloseTo(expected, 9)
  })

  it('is that of the slowest hop when all overlap', () => {
    expect(predictSeconds(chain, { bytes: 100 * megabyte, chunkBytes: 0 })).toBeCloseTo(
      roundTrips + wireOverhead * 20,
      9,
    )
    expect(predictSeconds(chain, { bytes: 0 })).toBeCloseTo(roundTrips, 9)
  })

  it('is that from the worst origin when none is given', () => {
    const bytes = 50 * megabyte
    const each = ['a', 'b', 'c', 'd'].map((origin) => predictSeconds(chain, { bytes, origin: id(origin) }))
    expect(predictSeconds(chain, { bytes })).toBeCloseTo(Math.max(...each), 9)
    expect(new Set(each).size).toBeGreaterThan(2)
  })

  it('follows the model on every path, for random forests', () => {
    const payload = fc.tuple(fc.constantFrom(0, 1000, 1e7, 1e9), fc.constantFrom(1, 1e5, 1e7, 1e10))
    fc.assert(
      fc.property(anyNetwork({ nodes: 25, links: 30 }), payload, (network, [bytes, chunkBytes]) => {
        const plan = makePlan(network)
        const expected = bruteSeconds(plan, bytes, chunkBytes)
        expect(predictSeconds(plan, { bytes, chunkBytes }) / (expected || 1)).toBeCloseTo(expected > 0 ? 1 : 0, 9)
        const uplinkBps = new Map([[id('elsewhere'), 1]])
        const byOrigin = predictSeconds(plan, { bytes, chunkBytes, uplinkBps })
        expect(byOrigin / (expected || 1)).toBeCloseTo(expected > 0 ? 1 : 0, 9)
      }),
    )
  })

  it('counts the time that a link is away', () => {
    const plan = makePlan(request([link('a', 'b', { rttMs: 0, throughputBps: megabyte, availability: 0.5 })]))
    expect(predictSeconds(plan, { bytes: megabyte })).toBeCloseTo(2 * wireOverhead, 9)
  })

  it('shares an uplink among those who are fed', () => {
    const star = makePlan(
      request(['a', 'b', 'c'].map((leaf) => link('s', leaf, { rttMs: 0, throughputBps: 100 * mbit }))),
    )
    const uplinkBps = new Map([[id('s'), 60 * mbit]])
    const seconds = (origin: string): number =>
      predictSeconds(star, { bytes: mbit, chunkBytes: mbit, uplinkBps, origin: id(origin) })
    expect(seconds('s')).toBeCloseTo(wireOverhead / 20, 9)
    expect(seconds('a')).toBeCloseTo(wireOverhead * (1 / 100 + 1 / 30), 9)
    expect(predictSeconds(star, { bytes: mbit, chunkBytes: mbit, uplinkBps })).toBeCloseTo(wireOverhead / 20, 9)
  })

  it('is 0 where nothing is joined, and only counts what the origin reaches', () => {
    const two = makePlan(request([link('a', 'b'), link('x', 'y', { throughputBps: 1 })]))
    expect(predictSeconds(makePlan(request([], { participants: [id('a')] })), { bytes: 1e9 })).toBe(0)
    expect(predictSeconds(two, { bytes: 1e6, origin: id('a') })).toBeLessThan(1)
    expect(predictSeconds(two, { bytes: 1e6 })).toBeGreaterThan(1e6)
    expect(predictSeconds(two, { bytes: 1e6, origin: id('nobody') })).toBe(0)
  })
})

describe('the cost', () => {
  it('is that of all edges', () => {
    expect(costPerGb(chain)).toBe(2.5)
  })

  it('is what the edges cost now, by the cheapest link of each, and as before where there is none', () => {
    const now = [
      link('c', 'b', { pricePerGb: 9 }),
      link('b', 'c', { pricePerGb: 4 }),
      link('a', 'd', { pricePerGb: 7 }),
    ]
    expect(costPerGb(chain, now)).toBe(4.5)
    const slower = [link('b', 'a', { rttMs: 10, throughputBps: megabyte })]
    const bytes = 10 * megabyte
    const added = wireOverhead * 9
    expect(predictSeconds(chain, { bytes, links: slower })).toBeCloseTo(predictSeconds(chain, { bytes }) + added, 9)
  })
})
