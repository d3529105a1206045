import type { NodeId } from '@spansync/common/core/causal/types'
import type { LinkRecord } from '@spansync/common/core/coordinator/links'
import { describe, expect, it } from 'vitest'
import { LinkMemory, toPastByPair } from './link-memory.ts'

const ends = ['a'.repeat(64), 'b'.repeat(64)] as NodeId[] as [NodeId, NodeId]
const key = ends.join(' ')
const dayMs = 24 * 3_600_000

function record(more: Partial<LinkRecord> = {}): LinkRecord {
  const measured = { rttMs: 20, throughputBps: 1e6 }
  return { ends, up: true, since: 0, availability: 0.5, ...measured, basis: measured, configured: {}, ...more }
}

describe('LinkMemory', () => {
  it('gives back what it wrote', () => {
    const stored = new LinkMemory(new Map()).news([[key, record()]], 0)
    expect(toPastByPair(stored)).toEqual(new Map([[key, { availability: 0.5, rttMs: 20, throughputBps: 1e6 }]]))
  })

  it('counts in the time until it is written', () => {
    const stored = new LinkMemory(new Map()).news([[key, record({ up: false })]], 3 * dayMs)
    expect(toPastByPair(stored).get(key)?.availability).toBeCloseTo(0.25)
  })

  it('writes only what is news', () => {
    const memory = new LinkMemory(new Map([[key, { availability: 0.5, rttMs: 20, throughputBps: 1e6 }]]))
    expect(memory.news([[key, record()]], 0)).toEqual([])
    expect(memory.news([[key, record({ throughputBps: 1.1e6 })]], 0)).toEqual([])
    expect(memory.news([[key, record({ throughputBps: 2e6 })]], 0)).toHaveLength(1)
    expect(memory.news([[key, record({ throughputBps: 2e6 })]], 0)).toEqual([])
    expect(memory.news([[key, record({ throughputBps: 2e6 })]], dayMs)).toHaveLength(1)
  })

  it('takes no notice of a record that says nothing', () => {
    const [a, b] = ends
    expect(toPastByPair([{ a, b, upMs: 0, totalMs: 0 }]).size).toBe(0)
  })
})
