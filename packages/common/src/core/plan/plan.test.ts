import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyNetwork, link, mbit, pairs, request } from '../../testing/networks.ts'
import { componentsText, diameterOf, spanningForests } from '../../testing/spanning-forests.ts'
import type { NodeId } from '../causal/types.ts'
import { referenceBytes } from './link-time.ts'
import { makePlan } from './plan.ts'
import { costPerGb, predictSeconds } from './predict.ts'
import type { PlanRequest } from './types.ts'

const objectives = [0, 0.25, 0.5, 0.75, 1]
const network = anyNetwork({ nodes: 9, links: 20, leaves: 3 })
const rounding = 1 + 1e-9

describe('a plan', () => {
  it('joins as many nodes at every objective, the same ones, with sorted edges and components', () => {
    fc.assert(
      fc.property(network, (of) => {
        const cheapest = makePlan({ ...of, objective: 0 })
        for (const objective of objectives) {
          const plan = makePlan({ ...of, objective })
          expect(plan.components).toEqual(cheapest.components)
          expect(componentsText(of.participants, plan.edges)).toBe(componentsText(of.participants, cheapest.edges))
          expect(plan.components.flat().sort()).toEqual([...of.participants].sort())
          expect(pairs(plan.edges)).toEqual(pairs(plan.edges).sort())
          expect(plan.edges.every(({ a, b }) => a < b)).toBe(true)
        }
      }),
    )
  })

  it('has one link at most for a leaf-only node, and misses no forest that joins more', () => {
    fc.assert(
      fc.property(anyNetwork({ nodes: 6, links: 9, leaves: 3 }), (of) => {
        const links = of.links.filter(({ a, b }) => !of.leafOnly.has(a) || !of.leafOnly.has(b))
        const plan = makePlan({ ...of, links })
        expect(plan.edges).toHaveLength(spanningForests({ ...of, links })[0]?.length ?? 0)
        for (const leaf of of.leafOnly) {
          expect(plan.edges.filter(({ a, b }) => a === leaf || b === leaf).length).toBeLessThanOrEqual(1)
        }
      }),
    )
  })

  it('pairs leaf-only nodes that have nobody else', () => {
    const phones = new Set(['p', 'q', 'r'] as NodeId[])
    const links = [link('q', 'r'), link('p', 'q', { rttMs: 5 }), link('p', 'r', { rttMs: 9 })]
    for (const objective of objectives) {
      const plan = makePlan(request(links, { leafOnly: phones, objective }))
      expect(plan).toMatchObject({ components: [['p'], ['q', 'r']], heldApart: ['p', 'q', 'r'] })
    }
    const near = makePlan(request([...links, link('q', 's')], { leafOnly: phones }))
    expect(near.components).toEqual([
      ['p', 'r'],
      ['q', 's'],
    ])
  })

  it('says which leaf-only nodes hold it apart', () => {
    const links = [link('a', 'p'), link('p', 'b', { rttMs: 2 }), link('b', 'c')]
    const plan = makePlan(request(links, { leafOnly: new Set(['p' as NodeId]) }))
    expect(plan.components).toEqual([
      ['a', 'p'],
      ['b', 'c'],
    ])
    expect(plan.heldApart).toEqual(['p'])
    expect(makePlan(request(links)).heldApart).toEqual([])
  })

  it('uses nobody who does not hold the folder', () => {
    const links = [link('a', 'x'), link('x', 'b'), link('a', 'b', { throughputBps: mbit })]
    const plan = makePlan(request(links, { participants: ['b', 'a'] as NodeId[] }))
    expect(pairs(plan.edges)).toEqual(['a-b'])
    expect(plan.components).toEqual([['a', 'b']])
  })

  it.each([
    ['nobody', []],
    ['one node', ['a']],
    ['one node, named twice', ['a', 'a']],
  ])('of %s has no edges', (_, participants) => {
    for (const objective of objectives) {
      const plan = makePlan(request([], { participants: participants as NodeId[], objective }))
      expect(plan.edges).toEqual([])
      expect(plan.components).toEqual(participants.length > 0 ? [['a']] : [])
    }
  })

  it.each([-1, 2, Number.NaN])('takes the objective %d for the nearest end', (objective) => {
    const links = [link('a', 'b', { pricePerGb: 1 }), link('a', 'c'), link('b', 'c')]
    expect(makePlan(request(links, { objective }))).toEqual(
      makePlan(request(links, { objective: objective > 1 ? 1 : 0 })),
    )
  })

  it.each([
    { throughputBps: 0 },
    { throughputBps: Number.NaN },
    { throughputBps: Number.POSITIVE_INFINITY },
    { rttMs: -1 },
    { pricePerGb: -1 },
    { availability: 0 },
    { availability: Number.NaN },
    { capBytes: -5 },
  ])('passes over a link with %o', (nonsense) => {
    expect(makePlan(request([link('a', 'b', nonsense)])).edges).toEqual([])
  })
})

describe('equal networks', () => {
  const shuffled = network.chain((of) =>
    fc.record({
      of: fc.constant(of),
      links: fc.shuffledSubarray([...of.links], { minLength: of.links.length }),
      participants: fc.shuffledSubarray([...of.participants], { minLength: of.participants.length }),
      turn: fc.infiniteStream(fc.boolean()),
    }),
  )

  it('have equal plans, in whatever order and direction they are given', () => {
    fc.assert(
      fc.property(shuffled, fc.constantFrom(...objectives), ({ of, links, participants, turn }, objective) => {
        const turned = links.map((one) => (turn.next().value ? { ...one, a: one.b, b: one.a } : one))
        const other = makePlan({ ...of, links: turned, participants, objective })
        expect(other).toEqual(makePlan({ ...of, objective }))
      }),
    )
  })

  it('have equal plans under other names in the same order', () => {
    const rename = (id: NodeId): NodeId => `x${Number(id.slice(1)) * 7 + 1000}` as NodeId
    fc.assert(
      fc.property(network, fc.constantFrom(...objectives), (of, objective) => {
        const renamed = {
          participants: of.participants.map(rename),
          leafOnly: new Set([...of.leafOnly].map(rename)),
          links: of.links.map((one) => ({ ...one, a: rename(one.a), b: rename(one.b) })),
        }
        const plan = makePlan({ ...of, objective })
        const expected = plan.edges.map((one) => ({ ...one, a: rename(one.a), b: rename(one.b) }))
        expect(makePlan({ ...renamed, objective }).edges).toEqual(expected)
      }),
    )
  })
})

describe('from cheapest to fastest', () => {
  const check = (of: PlanRequest): void => {
    const plans = objectives.map((objective) => makePlan({ ...of, objective }))
    const costs = plans.map((plan) => costPerGb(plan))
    const times = plans.map((plan) => predictSeconds(plan, { bytes: referenceBytes }))
    for (let at = 1; at < objectives.length; at++) {
      expect(costs[at]).toBeGreaterThanOrEqual((costs[at - 1] as number) / rounding)
      expect(times[at]).toBeLessThanOrEqual((times[at - 1] as number) * rounding)
    }
  }

  it('cost never falls and time never rises', () => {
    fc.assert(fc.property(network, check), { numRuns: 300 })
  })

  it('what is between weighs no more than either end', () => {
    fc.assert(
      fc.property(network, fc.double({ min: 0, max: 1, noNaN: true }), (of, objective) => {
        const plans = [0, objective, 1].map((at) => makePlan({ ...of, objective: at }))
        const costs = plans.map((plan) => costPerGb(plan)) as [number, number, number]
        const times = plans.map((plan) => predictSeconds(plan, { bytes: referenceBytes })) as [number, number, number]
        const share = (values: [number, number, number], at: number): number =>
          (values[at] as number) / (values[0] + values[2] || 1)
        const [low, middle, high] = [0, 1, 2].map(
          (at) => (1 - objective) * share(costs, at) + objective * share(times, at),
        )
        if (objective > 0) expect(middle).toBeLessThanOrEqual(Math.min(low as number, high as number) * rounding)
      }),
    )
  })

  it('neither in larger networks, where the fastest is no more exact', () => {
    fc.assert(fc.property(anyNetwork({ nodes: 400, links: 1500, leaves: 20, connected: true }), check), { numRuns: 12 })
  })

  it('gives more than two different plans', () => {
    const sampled = fc.sample(anyNetwork({ nodes: 12, links: 40, connected: true }), { numRuns: 60, seed: 5 })
    const kinds = (of: PlanRequest): number =>
      new Set(objectives.map((objective) => pairs(makePlan({ ...of, objective }).edges).join())).size
    expect(sampled.filter((of) => kinds(of) > 2).length).toBeGreaterThan(10)
  })

  it('at home and at work, with a price on the quick way', () => {
    const free = [link('s', 'l1'), link('s', 'l2'), link('l1', 'r', { throughputBps: 2 * mbit })]
    const links = [...free, link('s', 'r', { throughputBps: 10 * mbit, pricePerGb: 1 })]
    const [cheapest, balanced, fastest] = [0, 0.5, 1].map((objective) => makePlan(request(links, { objective })))
    expect(pairs(cheapest?.edges ?? [])).toEqual(['l1-r', 'l1-s', 'l2-s'])
    expect(pairs(fastest?.edges ?? [])).toEqual(['l1-s', 'l2-s', 'r-s'])
    expect([cheapest, fastest]).toContainEqual(balanced)
    expect(diameterOf(fastest?.edges ?? [])).toBeLessThan(diameterOf(cheapest?.edges ?? []))
  })
})
