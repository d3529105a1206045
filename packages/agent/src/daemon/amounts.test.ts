import { amountOf } from '@spansync/common/core/agent/amount'
import type { Entry, NodeId, ReplicaId } from '@spansync/common/core/causal/types'
import { directory, file, tombstone } from '@spansync/common/testing/entries'
import { MemoryIndex } from '@spansync/common/testing/memory-index'
import { expect, it } from 'vitest'
import { behindOf } from './amounts.ts'

const b = 'b' as unknown as NodeId
const entries = [
  file('a', 'four', { a: 1 }),
  file('link', 'to', { a: 2 }, { kind: 'symlink', mode: 0 }),
  directory('d', { a: 3 }),
  tombstone('gone', { a: 4 }, { size: 0 }),
  { ...tombstone('gone-d', { a: 5 }), kind: 'dir' as const, size: 0 },
]

function indexOf(...rows: Entry[]): MemoryIndex {
  const index = new MemoryIndex('a' as ReplicaId)
  index.commit({ rows: rows.map((row) => ({ ...row, stat: undefined })), knowledge: { a: rows.length } })
  return index
}

const told = (knowledge: Record<string, number>, index?: MemoryIndex) => ({
  knowledge,
  digest: index?.meta().digest ?? ('0'.repeat(32) as never),
})

it('counts files, links and deletions, not directories', () => {
  expect(amountOf(entries)).toEqual({ files: 3, bytes: 6 })
})

it('counts what a peer has not been told', () => {
  const index = indexOf(...entries)
  expect(behindOf(index, b, told({}))).toEqual({ files: 3, bytes: 6 })
  expect(behindOf(index, b, told({ a: 1 }))).toEqual({ files: 2, bytes: 2 })
  expect(behindOf(index, b, told({ a: 5 }))).toEqual({ files: 0, bytes: 0 })
  expect(behindOf(index, b, told({}, index))).toEqual({ files: 0, bytes: 0 })
})

it('counts everything that is here for a peer that was never met', () => {
  expect(behindOf(indexOf(...entries), b, undefined)).toEqual({ files: 2, bytes: 6 })
})

it('counts anew when something has changed', () => {
  const index = indexOf(...entries)
  expect(behindOf(index, b, told({ a: 5 }))).toEqual({ files: 0, bytes: 0 })
  index.commit({ rows: [{ ...file('new', 'x', { a: 6 }), stat: undefined }], knowledge: { a: 6 } })
  expect(behindOf(index, b, told({ a: 5 }))).toEqual({ files: 1, bytes: 1 })
})
