import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyNetwork, link, mbit, pairs, request } from '../../testing/networks.ts'
import { priceOf, spanningForests } from '../../testing/spanning-forests.ts'
import type { NodeId } from '../causal/types.ts'
import { makePlan } from './plan.ts'
import type { PlanLink, PlanRequest } from './types.ts'

const home = [link('s', 'l1'), link('s', 'l2'), link('s', 'r', { throughputBps: 10 * mbit })]
const slow = link('l1', 'r', { throughputBps: 2 * mbit })

/** Price of the cheapest of all forests. */
const leastPrice = (of: PlanRequest): number => Math.min(...spanningForests(of).map(priceOf))

/** All graphs on `count` nodes, with prices and speeds that make ties and trade-offs. */
function* allGraphs(count: number): Generator<PlanRequest> {
  const ids = ['a', 'b', 'c', 'd', 'e'].slice(0, count)
  const all = ids.flatMap((a, at) => ids.slice(at + 1).map((b) => [a, b] as const))
  for (let chosen = 0; chosen < 1 << all.length; chosen++) {
    const links = all.flatMap(([a, b], at) =>
      (chosen >> at) & 1 ? [link(a, b, { pricePerGb: [3, 1, 4, 1, 5, 9, 2, 6, 5, 3][at] ?? 0, rttMs: at })] : [],
    )
    yield request(links, { participants: ids as NodeId[] })
  }
}

describe('the cheapest plan', () => {
  it('takes the quickest links where all are free', () => {
    expect(pairs(makePlan(request([...home, slow])).edges)).toEqual(['l1-s', 'l2-s', 'r-s'])
  })

  it('takes a slow free link rather than a quick one that costs', () => {
    const priced = home.map((one) => (one.b === 'r' ? { ...one, pricePerGb: 1 } : one))
    expect(pairs(makePlan(request([...priced, slow])).edges)).toEqual(['l1-r', 'l1-s', 'l2-s'])
  })

  it.each<[string, Partial<PlanLink>]>([
    ['is metered', { metered: true }],
    ['is slower', { throughputBps: mbit }],
    ['has a longer round trip', { rttMs: 2 }],
    ['is often away', { availability: 0.5 }],
    ['has used up its cap', { capBytes: 0 }],
  ])('leaves out the link of two equally cheap ones that %s', (_, worse) => {
    expect(pairs(makePlan(request([link('a', 'b', worse), link('a', 'c'), link('b', 'c')])).edges)).toEqual([
      'a-c',
      'b-c',
    ])
  })

  it('breaks ties by ids', () => {
    expect(pairs(makePlan(request([link('c', 'b'), link('c', 'a'), link('b', 'a')])).edges)).toEqual(['a-b', 'a-c'])
  })

  it('does without a link whose cap is used up even when there is no other', () => {
    const plan = makePlan(request([link('a', 'b', { capBytes: 0 }), link('b', 'c', { capBytes: 1 })]))
    expect(plan.components).toEqual([['a'], ['b', 'c']])
  })

  it('uses the best of several links between two nodes', () => {
    const quick = link('b', 'a', { throughputBps: 1000 * mbit })
    expect(makePlan(request([link('a', 'b'), quick, link('a', 'b', { metered: true })])).edges).toEqual([
      { ...quick, a: 'a', b: 'b' },
    ])
  })

  it('is the cheapest of all forests, for all graphs of up to five nodes', () => {
    for (const count of [1, 2, 3, 4, 5]) {
      for (const graph of allGraphs(count)) expect(priceOf(makePlan(graph).edges)).toBe(leastPrice(graph))
    }
  })

  it('is the cheapest of all forests that spare leaf-only nodes, for random graphs', () => {
    fc.assert(
      fc.property(anyNetwork({ nodes: 6, links: 10, leaves: 2 }), (network) => {
        const links = network.links.filter(({ a, b }) => !network.leafOnly.has(a) || !network.leafOnly.has(b))
        const graph = { ...network, links, objective: 0 }
        const plan = makePlan(graph)
        const forests = spanningForests(graph)
        expect(plan.edges).toHaveLength(forests[0]?.length ?? 0)
        expect(priceOf(plan.edges)).toBeCloseTo(Math.min(...forests.map(priceOf)), 9)
      }),
    )
  })

  it('is held against something that can tell it from a worse one', () => {
    const dearest = (of: PlanRequest): number =>
      priceOf(
        makePlan({ ...of, links: of.links.map((one) => ({ ...one, pricePerGb: 10 - one.pricePerGb })) }).edges.map(
          (one) => ({ ...one, pricePerGb: 10 - one.pricePerGb }),
        ),
      )
    const wrong = [...allGraphs(4)].filter((graph) => dearest(graph) !== leastPrice(graph))
    expect(wrong.length).toBeGreaterThan(10)
  })
})
