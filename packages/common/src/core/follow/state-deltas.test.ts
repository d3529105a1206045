import { describe, expect, it } from 'vitest'
import type { Digest, FolderId, NodeId } from '../causal/types.ts'
import type { LinkFacts, ReplicaFacts } from '../coordinator/facts.ts'
import { type Snapshot, StateDeltas } from './state-deltas.ts'

const sender = { node: 'a' as NodeId, name: 'a', software: 's', run: 'r' }
const mode = { configured: 'auto', effective: 'centralised' } as const

function replica(folder: string, digest = '0', knowledge = {}): ReplicaFacts {
  const counts = { files: 1, bytes: 1, peers: [] }
  return { folder: folder as FolderId, state: 'open', knowledge, digest: digest as Digest, scope: '', ...counts }
}

const link = (more: Partial<LinkFacts> = {}): LinkFacts => {
  return { peer: 'b' as NodeId, up: true, rttMs: 10, throughputBps: 1e6, sentBytes: 0, receivedBytes: 0, ...more }
}

const snapshot = (more: Partial<Snapshot> = {}): Snapshot => {
  return { mode, links: [link()], replicas: [replica('f'), replica('g')], orders: [], finished: [], ...more }
}

function told(deltas: StateDeltas, more: Partial<Snapshot> = {}, now = 0) {
  const state = deltas.next(snapshot(more), now)
  if (state) deltas.accepted(state, now)
  return state
}

describe('a state', () => {
  it('is everything first, then what has changed, then nothing', () => {
    const deltas = new StateDeltas(sender)
    expect(told(deltas)).toMatchObject({
      full: true,
      seq: 1,
      links: [link()],
      replicas: [{ folder: 'f' }, { folder: 'g' }],
    })
    expect(told(deltas)).toBeUndefined()
    const changed = told(deltas, { replicas: [replica('f'), replica('g', '1')] })
    expect(changed).toMatchObject({ full: false, seq: 2, replicas: [{ folder: 'g', digest: '1' }] })
    expect(changed?.links).toBeUndefined()
    expect(told(deltas, { replicas: [replica('g', '1')] })).toMatchObject({ dropped: ['f'] })
  })

  it('that did not arrive is followed by everything', () => {
    const deltas = new StateDeltas(sender)
    told(deltas)
    deltas.next(snapshot({ replicas: [replica('f', '1'), replica('g')] }), 0)
    deltas.reset()
    expect(told(deltas)).toMatchObject({ full: true, replicas: [{ folder: 'f' }, { folder: 'g' }] })
  })

  it.each([
    ['counters move', { sentBytes: 9 }, false],
    ['measurements waver', { rttMs: 11, throughputBps: 1.1e6 }, false],
    ['the link goes down', { up: false }, true],
    ['it is much slower', { throughputBps: 5e5 }, true],
    ['a person sets a price', { configured: { pricePerGb: 1 } }, true],
  ])('tells of links when %s', (_, change, isNews) => {
    const deltas = new StateDeltas(sender)
    told(deltas)
    expect(told(deltas, { links: [link(change)] })?.links !== undefined).toBe(isNews)
  })

  it('is said for an order that ended, and for another mode', () => {
    const deltas = new StateDeltas(sender)
    told(deltas)
    expect(told(deltas, { finished: [{ id: 'x', outcome: 'equal', reason: '' }] })).toMatchObject({
      finished: [{ id: 'x' }],
    })
    expect(told(deltas, { mode: { ...mode, effective: 'decentralised' } })).toMatchObject({ full: false })
  })

  it('that would be too large goes in several', () => {
    const knowledge = Object.fromEntries(Array.from({ length: 2000 }, (_, at) => [`node-${at}.0123456789`, at]))
    const replicas = Array.from({ length: 30 }, (_, at) => replica(`f${at}`, '0', knowledge))
    const deltas = new StateDeltas(sender)
    const seen: string[] = []
    for (let first = true; first || deltas.isBehind; first = false) {
      const state = told(deltas, { replicas })
      expect(JSON.stringify(state).length).toBeLessThan(1_000_000)
      seen.push(...(state?.replicas.map(({ folder }) => folder) ?? []))
    }
    expect(seen).toEqual(replicas.map(({ folder }) => folder))
  })
})
