import { describe, expect, it } from 'vitest'
import type { NodeId } from '../causal/types.ts'
import type { LinkFacts, NodeFacts } from './facts.ts'
import { toPlanLink, updatedLink } from './links.ts'

const [a, b] = ['a', 'b'] as NodeId[] as [NodeId, NodeId]

function end(id: NodeId, facts: Partial<LinkFacts>): NodeFacts {
  const link: LinkFacts = { peer: id === a ? b : a, up: true, sentBytes: 0, receivedBytes: 0, ...facts }
  const mode = { configured: 'auto', effective: 'centralised' } as const
  const links = new Map([[link.peer, link]])
  return { id, name: id, software: '', run: '', seq: 1, mode, links, replicas: new Map(), heardAt: 0 }
}

const seen = (left: Partial<LinkFacts>, right: Partial<LinkFacts>) =>
  updatedLink(undefined, { ends: [a, b], past: undefined, left: end(a, left), right: end(b, right), at: 0 }).record

describe('the throughput of a link', () => {
  it('is what the end says that has measured it', () => {
    expect(toPlanLink(seen({ throughputBps: 5e6 }, {}), 0).throughputBps).toBe(5e6)
  })

  it('is the larger of what both ends have seen flow', () => {
    expect(toPlanLink(seen({ throughputBps: 5e6 }, { throughputBps: 7e6 }), 0).throughputBps).toBe(7e6)
  })

  it('is rather what has flowed than what a probe found', () => {
    const probed = { throughputBps: 9e6, throughputProbed: true }
    expect(toPlanLink(seen(probed, { throughputBps: 2e6 }), 0).throughputBps).toBe(2e6)
    expect(toPlanLink(seen(probed, {}), 0).throughputBps).toBe(9e6)
  })

  it('is the configured one, whatever was measured', () => {
    const configured = { throughputBps: 1e6, latencyMs: 30 }
    const link = toPlanLink(seen({ throughputBps: 5e6, rttMs: 2, configured }, { throughputBps: 7e6, rttMs: 2 }), 0)
    expect(link).toMatchObject({ throughputBps: 1e6, rttMs: 30 })
  })
})

it('the round trip is the smaller of what both ends measure', () => {
  expect(toPlanLink(seen({ rttMs: 20 }, { rttMs: 24 }), 0).rttMs).toBe(20)
})

describe('what was known before', () => {
  const past = { availability: 0.4, rttMs: 30, throughputBps: 3e6 }
  const look = (facts: Partial<LinkFacts>) =>
    updatedLink(undefined, { ends: [a, b], past, left: end(a, facts), right: end(b, facts), at: 0 }).record

  it('counts until something else is measured', () => {
    expect(toPlanLink(look({}), 0)).toMatchObject({ availability: 0.4, rttMs: 30, throughputBps: 3e6 })
    expect(toPlanLink(look({ throughputBps: 8e6 }), 0)).toMatchObject({ rttMs: 30, throughputBps: 8e6 })
  })

  it('is not lost when an agent is started anew and has measured nothing yet', () => {
    const before = seen({ throughputBps: 8e6, rttMs: 3 }, {})
    const after = updatedLink(before, { ends: [a, b], past, left: end(a, {}), right: end(b, {}), at: 1 }).record
    expect(toPlanLink(after, 1)).toMatchObject({ rttMs: 3, throughputBps: 8e6 })
  })
})
