import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyNetwork } from '../../testing/networks.ts'
import { componentsText } from '../../testing/spanning-forests.ts'
import { cheapestForest } from './cheapest.ts'
import { makeGraph } from './graph.ts'
import { lightTree, walkRound } from './light-tree.ts'
import { rootForest } from './rooted.ts'
import { shortestPaths } from './shortest-paths.ts'
import { makeTerrain } from './terrain.ts'
import type { PlanLink, PlanRequest } from './types.ts'

const stretches = [1, 1.3, 2, 3, 7, Number.POSITIVE_INFINITY]
const rounding = 1 + 1e-9

/** A light tree along the cheapest forest, with what its bounds speak of. */
function lightTreeOf(network: PlanRequest, stretch: number) {
  const graph = makeGraph(network)
  const base = cheapestForest(graph)
  const terrain = makeTerrain(graph, base)
  const { roots } = terrain
  const sources = roots.map((node) => ({ node, distance: 0 }))
  const shortest = shortestPaths(terrain.arcs, graph.seconds, sources)
  const forest = lightTree(walkRound(terrain, base, roots), shortest, graph.seconds, stretch)
  const { parent, parentLink, order } = rootForest(terrain, forest, roots)
  const distance = new Float64Array(graph.nodes)
  for (const node of order) {
    const up = parent[node] as number
    if (up >= 0) distance[node] = (distance[up] as number) + (graph.seconds[parentLink[node] as number] as number)
  }
  const isRelayLink = (link: number): boolean =>
    terrain.relays[graph.from[link] as number] === 1 && terrain.relays[graph.to[link] as number] === 1
  const weight = (links: Uint32Array, values: Float64Array): number =>
    links.filter(isRelayLink).reduce((sum, link) => sum + (values[link] as number), 0)
  return { graph, base, forest, shortest, distance, weight }
}

const network = anyNetwork({ nodes: 40, links: 120, leaves: 8 })
const tied = network.map((of) => ({ ...of, links: of.links.map(priceAsTime) }))

/** Price in step with time, so that both metrics are one. */
function priceAsTime(link: PlanLink): PlanLink {
  return { ...link, rttMs: 0, availability: 1, metered: false, pricePerGb: 1e6 / link.throughputBps }
}

describe('a light tree', () => {
  it.each(stretches)('brings every node within %d times its shortest distance', (stretch) => {
    fc.assert(
      fc.property(network, (of) => {
        const { graph, shortest, distance } = lightTreeOf(of, stretch)
        for (let node = 0; node < graph.nodes; node++) {
          if (shortest.distance[node] === Number.POSITIVE_INFINITY || stretch === Number.POSITIVE_INFINITY) continue
          expect(distance[node]).toBeLessThanOrEqual(stretch * (shortest.distance[node] as number) * rounding)
        }
      }),
      { numRuns: 60 },
    )
  })

  it.each(stretches)(
    'at stretch %d is at most 1 + 2 / (stretch - 1) times as long as what it was made from',
    (stretch) => {
      fc.assert(
        fc.property(network, (of) => {
          const { graph, base, forest, weight } = lightTreeOf(of, stretch)
          const bound = (1 + 2 / (stretch - 1)) * weight(base, graph.seconds)
          // Infinity times 0 is no bound either.
          if (stretch > 1) expect(weight(forest, graph.seconds)).toBeLessThanOrEqual(bound * rounding)
        }),
        { numRuns: 60 },
      )
    },
  )

  it('is as cheap as that bound says when price goes with time', () => {
    fc.assert(
      fc.property(tied, fc.constantFrom(1.3, 2, 3, 7), (of, stretch) => {
        const { graph, base, forest, weight } = lightTreeOf(of, stretch)
        const bound = (1 + 2 / (stretch - 1)) * weight(base, graph.price)
        expect(weight(forest, graph.price)).toBeLessThanOrEqual(bound * rounding)
      }),
      { numRuns: 60 },
    )
  })

  it('joins what its base joins, and no leaf-only node relays', () => {
    fc.assert(
      fc.property(network, fc.constantFrom(...stretches), (of, stretch) => {
        const { graph, base, forest } = lightTreeOf(of, stretch)
        const links = (indexes: Uint32Array): PlanLink[] => [...indexes].map((at) => graph.links[at] as PlanLink)
        expect(componentsText(of.participants, links(forest))).toBe(componentsText(of.participants, links(base)))
        for (const leaf of of.leafOnly) {
          expect(links(forest).filter(({ a, b }) => a === leaf || b === leaf).length).toBeLessThanOrEqual(1)
        }
      }),
      { numRuns: 60 },
    )
  })

  it('is its base at one end', () => {
    fc.assert(
      fc.property(network, (of) => {
        const { base, forest } = lightTreeOf(of, Number.POSITIVE_INFINITY)
        expect([...forest]).toEqual([...base])
      }),
      { numRuns: 60 },
    )
  })

  it('is measured by bounds that a tree can fail', () => {
    const isTooFar = (of: PlanRequest): boolean => {
      const { shortest, distance } = lightTreeOf(of, 7)
      return distance.some((length, node) => length > 1.3 * (shortest.distance[node] as number))
    }
    const isTooLong = (of: PlanRequest): boolean => {
      const { graph, base, forest, weight } = lightTreeOf(of, 1)
      return weight(forest, graph.seconds) > (1 + 2 / 20) * weight(base, graph.seconds)
    }
    expect(fc.sample(network, { numRuns: 100, seed: 3 }).filter(isTooFar).length).toBeGreaterThan(5)
    expect(fc.sample(tied, { numRuns: 100, seed: 3 }).filter(isTooLong).length).toBeGreaterThan(5)
  })
})
