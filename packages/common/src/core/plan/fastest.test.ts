import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyNetwork, link, mbit, pairs, request } from '../../testing/networks.ts'
import { componentsText, diameterOf, distancesFrom, priceOf, spanningForests } from '../../testing/spanning-forests.ts'
import { cheapestForest } from './cheapest.ts'
import { fastestForest } from './fastest.ts'
import { makeGraph } from './graph.ts'
import { makePlan } from './plan.ts'
import { makeTerrain } from './terrain.ts'
import type { PlanLink, PlanRequest } from './types.ts'

const home = [link('s', 'l1'), link('s', 'l2'), link('s', 'r', { throughputBps: 10 * mbit })]
const slow = link('l1', 'r', { throughputBps: 2 * mbit })

/** What `fastestForest` makes when it may spend so much work on exact centres. */
function fastestWith(network: PlanRequest, work: number): PlanLink[] {
  const graph = makeGraph(network)
  const terrain = makeTerrain(graph, cheapestForest(graph))
  return [...fastestForest(terrain, graph.seconds, work).links].map((index) => graph.links[index] as PlanLink)
}

/** The least diameter among all forests that join the same nodes as this one. */
function leastDiameter(network: PlanRequest, forest: readonly PlanLink[]): number {
  const joined = componentsText(network.participants, forest)
  const alike = spanningForests(network).filter((other) => componentsText(network.participants, other) === joined)
  return Math.min(...alike.map(diameterOf))
}

const withoutLeafPairs = (network: PlanRequest): PlanRequest => ({
  ...network,
  links: network.links.filter(({ a, b }) => !network.leafOnly.has(a) || !network.leafOnly.has(b)),
})

const smallNetwork = anyNetwork({ nodes: 6, links: 10, leaves: 2 }).map(withoutLeafPairs)

describe('the fastest plan', () => {
  it('goes straight to the slow site, whatever that costs', () => {
    const priced = home.map((one) => (one.b === 'r' ? { ...one, pricePerGb: 1 } : one))
    for (const links of [home, priced]) {
      expect(pairs(makePlan(request([...links, slow], { objective: 1 })).edges)).toEqual(['l1-s', 'l2-s', 'r-s'])
    }
  })

  it('prefers the shorter round trip among lines of about one speed, and the faster line among others', () => {
    const satellite = link('a', 'b', { rttMs: 600, throughputBps: 110 * mbit })
    expect(makePlan(request([satellite, link('a', 'b', { rttMs: 3 })], { objective: 1 })).edges[0]?.rttMs).toBe(3)
    const modem = link('a', 'b', { rttMs: 1, throughputBps: mbit })
    expect(makePlan(request([modem, link('a', 'b', { rttMs: 30 })], { objective: 1 })).edges[0]?.rttMs).toBe(30)
  })

  it('has its centre within a link where no node will do', () => {
    // Two stars, joined by one long line: every tree of least diameter uses exactly that line.
    const near = ['b', 'c', 'd'].map((id) => link('a', id))
    const far = ['y', 'x', 'w'].map((id) => link('z', id))
    const line = link('a', 'z', { rttMs: 100 })
    expect(
      pairs(makePlan(request([...near, ...far, line, link('b', 'y', { rttMs: 101 })], { objective: 1 })).edges),
    ).toContain('a-z')
  })

  it('has the least diameter of all forests, for random graphs', () => {
    fc.assert(
      fc.property(smallNetwork, (network) => {
        const { edges } = makePlan({ ...network, objective: 1 })
        expect(diameterOf(edges) / (leastDiameter(network, edges) || 1)).toBeCloseTo(edges.length > 0 ? 1 : 0, 9)
      }),
      { numRuns: 300 },
    )
  })

  it('is held against something that can tell it from a worse one', () => {
    const sampled = fc.sample(smallNetwork, { numRuns: 200, seed: 1 })
    const isWorse = (network: PlanRequest): boolean => {
      const { edges } = makePlan({ ...network, objective: 0 })
      return diameterOf(edges) > leastDiameter(network, edges) * 1.000001
    }
    expect(sampled.filter(isWorse).length).toBeGreaterThan(20)
  })
})

describe('the fastest plan of a large network', () => {
  it('has at most twice the least diameter, for random small graphs', () => {
    fc.assert(
      fc.property(smallNetwork, (network) => {
        const forest = fastestWith(network, 0)
        expect(diameterOf(forest)).toBeLessThanOrEqual(2 * leastDiameter(network, forest) * (1 + 1e-9))
      }),
      { numRuns: 300 },
    )
  })

  it('has at most twice the exact diameter, and far less as a rule, for random graphs of sixty nodes', () => {
    const ratios = fc
      .sample(anyNetwork({ nodes: 60, links: 150, leaves: 5 }), { numRuns: 60, seed: 7 })
      .map((network) => {
        const [swept, exact] = [fastestWith(network, 0), fastestWith(network, 2 ** 24)].map(diameterOf)
        return exact ? (swept as number) / exact : 1
      })
    expect(Math.max(...ratios)).toBeLessThanOrEqual(2)
    expect(ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length).toBeLessThan(1.1)
  })

  it('joins the same nodes as the exact one, and never passes through a leaf-only node', () => {
    fc.assert(
      fc.property(anyNetwork({ nodes: 12, links: 20, leaves: 6 }), (network) => {
        const [swept, exact] = [fastestWith(network, 0), fastestWith(network, 2 ** 24)]
        expect(componentsText(network.participants, swept)).toBe(componentsText(network.participants, exact))
        for (const leaf of network.leafOnly) {
          expect(swept.filter(({ a, b }) => a === leaf || b === leaf).length).toBeLessThanOrEqual(1)
        }
      }),
    )
  })
})

it('distances along a forest are sums', () => {
  const forest = [link('a', 'b', { pricePerGb: 1 }), link('b', 'c', { pricePerGb: 2 })]
  expect(distancesFrom('a' as PlanLink['a'], forest, ({ pricePerGb }) => pricePerGb).get('c' as PlanLink['a'])).toBe(3)
  expect(priceOf(forest)).toBe(3)
})
