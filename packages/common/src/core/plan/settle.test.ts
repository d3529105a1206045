import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyChange, anyNetwork, link, mbit, nodeId, pairs, request } from '../../testing/networks.ts'
import { priceOf } from '../../testing/spanning-forests.ts'
import type { NodeId } from '../causal/types.ts'
import { makePlan } from './plan.ts'
import type { PlanLink } from './types.ts'

const ring = ['a-b', 'b-c', 'c-d', 'd-e', 'a-e'].map((pair) => {
  const [a, b] = pair.split('-') as [string, string]
  return link(a, b, { throughputBps: 100 * mbit })
})

/** The links with one of them changed. */
const withChanged = (links: readonly PlanLink[], pair: string, change: Partial<PlanLink>): PlanLink[] =>
  links.map((one) => (`${one.a}-${one.b}` === pair ? { ...one, ...change } : one))

const without = (links: readonly PlanLink[], pair: string): PlanLink[] =>
  links.filter(({ a, b }) => `${a}-${b}` !== pair)

describe('with a plan in force', () => {
  it.each([0, 0.5, 1])('at objective %d nothing changes while nothing has', (objective) => {
    fc.assert(
      fc.property(anyNetwork({ nodes: 9, links: 20, leaves: 3 }), (of) => {
        const previous = makePlan({ ...of, objective })
        expect(makePlan({ ...of, objective, previous })).toEqual(previous)
      }),
    )
  })

  it.each([
    [0, 95, ['a-b', 'a-e', 'b-c', 'c-d']],
    [0, 85, ['a-b', 'a-e', 'c-d', 'd-e']],
    [1, 95, ['a-b', 'a-e', 'b-c', 'd-e']],
    [1, 50, ['a-b', 'a-e', 'c-d', 'd-e']],
  ])('at objective %d an edge that has dropped to %d Mbit/s is kept or not', (objective, rate, expected) => {
    const previous = makePlan(request(ring, { objective }))
    const links = withChanged(ring, 'b-c', { throughputBps: rate * mbit })
    expect(pairs(makePlan(request(links, { objective, previous })).edges)).toEqual(expected)
    expect(pairs(previous.edges)).toContain('b-c')
  })

  it.each([0, 0.5, 1])('at objective %d only a dead edge is replaced', (objective) => {
    const previous = makePlan(request(ring, { objective }))
    for (const dead of pairs(previous.edges)) {
      const next = makePlan(request(without(ring, dead), { objective, previous }))
      const unused = pairs(ring).find((pair) => !pairs(previous.edges).includes(pair))
      expect(pairs(next.edges).sort()).toEqual(
        [...pairs(previous.edges).filter((pair) => pair !== dead), unused].sort(),
      )
    }
  })

  it('a dead edge is replaced by the crossing one that is best at the objective', () => {
    const links = [
      link('a', 'b'),
      link('b', 'c'),
      link('c', 'd'),
      link('a', 'd', { pricePerGb: 1, throughputBps: 90 * mbit }),
      link('b', 'd', { throughputBps: 5 * mbit }),
    ]
    const kept = (objective: number): string[] => {
      const previous = makePlan(request(links.slice(0, 3), { objective }))
      return pairs(makePlan(request(without(links, 'c-d'), { objective, previous })).edges)
    }
    expect(kept(0)).toEqual(['a-b', 'b-c', 'b-d'])
    expect(kept(1)).toEqual(['a-b', 'a-d', 'b-c'])
  })

  it('any saving counts, since prices do not flutter', () => {
    const links = [link('a', 'b', { pricePerGb: 1 }), link('b', 'c'), link('a', 'c', { pricePerGb: 1.01 })]
    const previous = makePlan(request(links))
    expect(pairs(previous.edges)).toEqual(['a-b', 'b-c'])
    const next = makePlan(request(withChanged(links, 'a-c', { pricePerGb: 0.99 }), { previous }))
    expect(pairs(next.edges)).toEqual(['a-c', 'b-c'])
  })

  it('a slow modem does not keep the others from better links', () => {
    const links = [link('m', 'a', { throughputBps: mbit }), link('a', 'b', { throughputBps: 5 * mbit }), link('a', 'c')]
    for (const objective of [0, 0.5, 1]) {
      const previous = makePlan(request(links, { objective }))
      const next = makePlan(request([...links, link('b', 'c')], { objective, previous }))
      expect(pairs(next.edges)).toEqual(['a-c', 'a-m', 'b-c'])
    }
  })

  it('a node that must not relay any more keeps one of its links', () => {
    const links = [link('a', 'b'), link('b', 'c'), link('a', 'c', { rttMs: 50 })]
    for (const objective of [0, 0.5, 1]) {
      const previous = makePlan(request(links.slice(0, 2), { objective }))
      const next = makePlan(request(links, { objective, previous, leafOnly: new Set(['b' as NodeId]) }))
      expect(pairs(next.edges)).toEqual(['a-b', 'a-c'])
    }
  })

  it('a plan of another network altogether is no hindrance', () => {
    const links = Array.from({ length: 30 }, (_, at) => link(nodeId(at), nodeId(at + 1)))
    for (const objective of [0, 0.5, 1]) {
      for (const edges of [links.slice(0, 3), [link('x', 'y'), link('x', 'z')], [...ring, ...ring]]) {
        const previous = { edges, components: [], heldApart: [] }
        expect(makePlan(request(links, { objective, previous })).edges).toEqual(links)
        expect(makePlan(request(ring, { objective, previous })).edges).toHaveLength(4)
      }
    }
  })

  it('as many nodes are joined as without, and no leaf-only node relays', () => {
    const network = anyNetwork({ nodes: 9, links: 20, leaves: 3 })
    fc.assert(
      fc.property(network, network, fc.constantFrom(0, 0.3, 1), (before, now, objective) => {
        const previous = makePlan({ ...before, objective })
        const [next, fresh] = [makePlan({ ...now, objective, previous }), makePlan({ ...now, objective })]
        expect(next.components.length).toBeLessThanOrEqual(fresh.components.length)
        for (const leaf of now.leafOnly) {
          expect(next.edges.filter(({ a, b }) => a === leaf || b === leaf).length).toBeLessThanOrEqual(1)
        }
        if (objective === 0) expect(priceOf(next.edges)).toBeCloseTo(priceOf(fresh.edges), 9)
      }),
    )
  })

  it('plans settle: what has been chosen is chosen again', () => {
    fc.assert(
      fc.property(
        anyNetwork({ nodes: 9, links: 20 }),
        anyChange,
        fc.constantFrom(0, 0.5, 1),
        (of, change, objective) => {
          const previous = makePlan({ ...of, objective })
          const gone = change.one % Math.max(1, of.links.length)
          const now = { ...of, objective, links: of.links.filter((_, at) => at !== gone) }
          const next = makePlan({ ...now, previous })
          expect(makePlan({ ...now, previous: next })).toEqual(next)
        },
      ),
    )
  })
})
