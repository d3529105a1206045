import { describe, expect, it } from 'vitest'
import { link, mbit, request } from '../../testing/networks.ts'
import type { NodeId } from '../causal/types.ts'
import { planToDot } from './dot.ts'
import { makePlan } from './plan.ts'

const id = (name: string): NodeId => name as NodeId

describe('a drawing of a plan', () => {
  it('has edges with price and speed, other links dashed, leaf-only nodes boxed', () => {
    const links = [
      link('s', 'l'),
      link('s', 'p', { pricePerGb: 1.25, throughputBps: 0.5 * mbit }),
      link('p', 'l', { pricePerGb: 9 }),
      link('s', 'stranger'),
    ]
    const leafOnly = new Set([id('p')])
    const plan = makePlan(request(links, { leafOnly, participants: ['s', 'l', 'p'].map(id) }))
    const names = new Map([[id('s'), 'the "server"']])
    expect(planToDot(plan, { names, links, leafOnly })).toBe(`graph plan {
  node [shape=ellipse];
  "l" [label="l"];
  "p" [label="p", shape=box];
  "s" [label="the \\"server\\""];
  "l" -- "s" [label="free, 100 Mbit/s"];
  "p" -- "s" [label="1.25 per GB, 500 kbit/s"];
  "l" -- "p" [style=dashed, color=grey];
}
`)
  })

  it.each([
    [1.25e9, '10 Gbit/s'],
    [mbit * 12.3456, '12.3 Mbit/s'],
    [12.5, '100 bit/s'],
  ])('says %d bytes per second as %s', (throughputBps, text) => {
    expect(planToDot(makePlan(request([link('a', 'b', { throughputBps })])))).toContain(`"free, ${text}"`)
  })

  it('of nobody is an empty graph, and long ids are shortened in labels only', () => {
    expect(planToDot(makePlan(request([])))).toContain('graph plan {')
    const long = 'f'.repeat(64)
    const plan = makePlan(request([], { participants: [id(long)] }))
    expect(planToDot(plan)).toContain(`"${long}" [label="ffffffff"];`)
  })
})
