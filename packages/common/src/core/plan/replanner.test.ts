import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type AnyChange, anyChange, anyNetwork, link, mbit, pairs, request } from '../../testing/networks.ts'
import { componentsText } from '../../testing/spanning-forests.ts'
import type { NodeId } from '../causal/types.ts'
import { makePlan } from './plan.ts'
import { predictSeconds } from './predict.ts'
import { Replanner } from './replanner.ts'
import type { PairChange, PlanLink, PlanRequest } from './types.ts'

const changes = fc.array(anyChange, { maxLength: 25, size: 'max' })
const joins = ({ a, b }: PlanLink, change: PairChange): boolean =>
  (a === change.a && b === change.b) || (a === change.b && b === change.a)

function pairChange({ participants }: PlanRequest, { one, other, qualities }: AnyChange): PairChange {
  const [a, b] = [one, other].map((at) => participants[at % participants.length] as NodeId) as [NodeId, NodeId]
  return { a, b, links: qualities.map((quality) => ({ a: b, b: a, ...quality })) }
}

function applied(network: PlanRequest, change: PairChange): PlanRequest {
  if (change.a === change.b) return network
  return { ...network, links: [...network.links.filter((one) => !joins(one, change)), ...change.links] }
}

/** Calls `check` after each change, with the network as it is then. */
function follow(
  network: PlanRequest,
  list: readonly AnyChange[],
  check: (now: PlanRequest, planner: Replanner, before: PlanLink[]) => void,
): void {
  const planner = new Replanner(network)
  let now = network
  for (const one of list) {
    const change = pairChange(now, one)
    const before = [...planner.plan.edges]
    now = applied(now, change)
    planner.replan(change)
    check(now, planner, before)
  }
}

describe('following changes of single links', () => {
  it('gives the very plan of the changed network where the cheapest is asked for', () => {
    fc.assert(
      fc.property(anyNetwork({ nodes: 10, links: 25, leaves: 4 }), changes, (network, list) => {
        follow({ ...network, objective: 0 }, list, (now, planner) => expect(planner.plan).toEqual(makePlan(now)))
      }),
      { numRuns: 150 },
    )
  })

  it('joins all that can be joined at every objective, and no leaf-only node relays', () => {
    fc.assert(
      fc.property(anyNetwork({ nodes: 9, links: 15, leaves: 3 }), changes, (network, list) => {
        follow({ ...network, objective: network.objective + 0.001 }, list, (now, { plan }) => {
          const withPairs = now.links.some(({ a, b }) => now.leafOnly.has(a) && now.leafOnly.has(b))
          if (!withPairs) expect(plan.components.length).toBe(makePlan(now).components.length)
          for (const leaf of now.leafOnly) {
            expect(plan.edges.filter(({ a, b }) => a === leaf || b === leaf).length).toBeLessThanOrEqual(1)
          }
          expect(plan.components.flat().sort()).toEqual([...now.participants].sort())
          const joined = plan.components
            .map((members) => members.join(' '))
            .sort()
            .join(' | ')
          expect(componentsText(now.participants, plan.edges)).toBe(joined)
        })
      }),
      { numRuns: 150 },
    )
  })

  it('moves one edge at most, and shows every edge as it is now', () => {
    fc.assert(
      fc.property(anyNetwork({ nodes: 9, links: 20 }), changes, (network, list) => {
        follow(network, list, (now, { plan }, before) => {
          const old = new Set(pairs(before))
          expect(pairs(plan.edges).filter((pair) => !old.has(pair)).length).toBeLessThanOrEqual(1)
          for (const edge of plan.edges) {
            expect(now.links).toContainEqual(
              expect.toSatisfy((one) => joins(one, { ...edge, links: [] }) && one.rttMs === edge.rttMs),
            )
          }
        })
      }),
      { numRuns: 60 },
    )
  })

  it('never makes the fastest plan slower than keeping it would have', () => {
    fc.assert(
      fc.property(anyNetwork({ nodes: 9, links: 20, connected: true }), changes, (network, list) => {
        follow({ ...network, objective: 1 }, list, (now, { plan }, before) => {
          const kept = before.flatMap((edge) => {
            const links = now.links.filter((one) => joins(one, { ...edge, links: [] }))
            return links.length > 0 ? [{ edge, links }] : []
          })
          if (kept.length < before.length || plan.edges.length > before.length) return
          const old = { edges: before, components: plan.components, heldApart: [] }
          const links = kept.flatMap((one) => one.links)
          const bytes = 10_000_000
          expect(predictSeconds(plan, { bytes })).toBeLessThanOrEqual(
            predictSeconds(old, { bytes, links }) * (1 + 1e-9),
          )
        })
      }),
      { numRuns: 60 },
    )
  })

  const star = [link('s', 'a'), link('s', 'b'), link('s', 'c'), link('a', 'c', { throughputBps: 20 * mbit })]

  it.each([0, 0.5, 1])(
    'at objective %d replaces a dead edge at once, and takes it back when it returns',
    (objective) => {
      const planner = new Replanner(request(star, { objective }))
      const change = { a: 'c' as NodeId, b: 's' as NodeId }
      expect(pairs(planner.replan({ ...change, links: [] }).edges)).toEqual(['a-c', 'a-s', 'b-s'])
      expect(pairs(planner.replan({ ...change, links: [link('s', 'c')] }).edges)).toEqual(['a-s', 'b-s', 'c-s'])
      const isAlone = planner.replan({ a: 'b' as NodeId, b: 's' as NodeId, links: [] })
      expect(isAlone.components).toEqual([['a', 'c', 's'], ['b']])
    },
  )

  it('changes nothing for strangers, and leaves plans that were given as they were', () => {
    const planner = new Replanner(request(star))
    const first = planner.plan
    const copy = structuredClone(first)
    expect(planner.replan({ a: 's' as NodeId, b: 'x' as NodeId, links: [link('s', 'x')] })).toBe(first)
    expect(planner.replan({ a: 's' as NodeId, b: 's' as NodeId, links: [] })).toBe(first)
    planner.replan({ a: 's' as NodeId, b: 'a' as NodeId, links: [link('s', 'a', { pricePerGb: 3 })] })
    expect(first).toEqual(copy)
  })

  it('is as good as a new plan, give or take, over long series of changes', () => {
    const networks = fc.sample(anyNetwork({ nodes: 12, links: 40, connected: true }), { numRuns: 20, seed: 11 })
    const series = fc.sample(fc.array(anyChange, { minLength: 30, maxLength: 30 }), { numRuns: 20, seed: 12 })
    const ratios = networks.flatMap((network, at) => {
      let last = 1
      follow({ ...network, objective: 1 }, series[at] ?? [], (now, { plan }) => {
        if (plan.components.length > 1) return
        last = predictSeconds(plan, { bytes: 1e7 }) / (predictSeconds(makePlan(now), { bytes: 1e7 }) || 1)
      })
      return Number.isFinite(last) && last > 0 ? [last] : []
    })
    const mean = ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length
    expect(mean).toBeLessThan(1.25)
  })
})
