import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyEntry, anyPair, anyVector } from '../../testing/arbitraries.ts'
import { adopted, changed, nextDot, plain, reasserted } from './change.ts'
import { sameEntry } from './content.ts'
import { need } from './need.ts'
import type { DiskState, Dot, Entry, ReplicaId, StatSignature } from './types.ts'
import { compare, covers } from './version-vector.ts'

const often = { numRuns: 1000 }
const self = 'self.s1' as ReplicaId
const other = 'other.o1' as ReplicaId
const stat: StatSignature = { mtimeUs: 7, ctimeUs: 8, size: 3, inode: 1, mode: 0o644 }
const onDisk: DiskState = { kind: 'file', size: 3, mtimeUs: 7, mode: 0o644, hash: 'new', stat }
const content = { kind: 'file', deleted: false, size: 3, mtimeUs: 5, mode: 0o644, hash: 'old' } as const
const known: Entry = { path: 'f', vector: { [self]: 1, [other]: 4 }, dots: [[other, 4]], ...content }
const noDot = (): Dot => {
  throw new Error('no dot is needed here')
}

describe('nextDot', () => {
  it('never gives a counter twice, and knows what it gave', () => {
    fc.assert(
      fc.property(anyVector, (knowledge) => {
        const first = nextDot(knowledge, self)
        const second = nextDot(first.knowledge, self)
        expect(second.dot).toEqual([self, first.dot[1] + 1])
        expect(compare(first.knowledge, knowledge)).toBe('ahead')
        expect(first.knowledge[self]).toBe(first.dot[1])
      }),
      often,
    )
  })
})

describe('changed', () => {
  it.each<[string, Entry | undefined, DiskState | undefined, object]>([
    [
      'a new file',
      undefined,
      onDisk,
      { path: 'f', kind: 'file', deleted: false, hash: 'new', mtimeUs: 7, vector: { [self]: 2 }, stat },
    ],
    ['an edit', known, onDisk, { deleted: false, hash: 'new', vector: { [self]: 2, [other]: 4 }, stat }],
    [
      'a deletion',
      known,
      undefined,
      {
        deleted: true,
        kind: 'file',
        size: 0,
        mtimeUs: 0,
        mode: 0,
        hash: '',
        vector: { [self]: 2, [other]: 4 },
        stat: undefined,
      },
    ],
    ['a deleted directory', { ...known, kind: 'dir' }, undefined, { deleted: true, kind: 'dir' }],
    ['a file in place of a directory', { ...known, kind: 'dir' }, onDisk, { deleted: false, kind: 'file' }],
  ])('%s', (_, before, disk, expected) => {
    expect(changed('f', before, disk, [self, 2])).toMatchObject({ ...expected, dots: [[self, 2]] })
  })

  it('is above what it changed', () => {
    fc.assert(
      fc.property(anyEntry, (before) => {
        expect(compare(changed(before.path, before, onDisk, [self, 1]).vector, before.vector)).toBe('ahead')
      }),
      often,
    )
  })
})

describe('adopted', () => {
  it('is at or above both versions, and has the content of what was on offer', () => {
    fc.assert(
      fc.property(anyPair, fc.boolean(), ([left, remote], isNew) => {
        const local = isNew ? undefined : left
        const kind = need(local, remote).kind
        const row = adopted(local, remote, stat, () => [self, 1])
        expect(row === undefined).toBe(kind === 'nothing' || kind === 'wait')
        if (!row) return
        expect(covers(row.vector, remote.vector) && covers(row.vector, local?.vector ?? {})).toBe(true)
        expect(sameEntry(row, remote)).toBe(true)
        expect(row.stat).toBe(stat)
        expect(need(row, remote).kind).toBe('nothing')
      }),
      often,
    )
  })

  it('gives the peer nothing to move, whatever was settled', () => {
    fc.assert(
      fc.property(anyPair, ([local, remote]) => {
        const row = adopted(local, remote, stat, () => [self, 1])
        if (row) expect(['nothing', 'adopt']).toContain(need(remote, plain(row)).kind)
      }),
      often,
    )
  })

  it('takes a new dot for a settled conflict only, which stays out of the content´s own dots', () => {
    fc.assert(
      fc.property(anyPair, ([local, remote]) => {
        const isSettled = need(local, remote).kind === 'resolve'
        const taken: Dot[] = []
        const row = adopted(local, remote, stat, () => {
          taken.push([self, 1])
          return [self, 1]
        })
        expect(taken).toHaveLength(isSettled ? 1 : 0)
        if (isSettled) expect(row).toMatchObject({ vector: { [self]: 1 }, dots: remote.dots })
      }),
      often,
    )
  })

  it('joins equal contents to the same entry on both sides', () => {
    fc.assert(
      fc.property(anyPair, ([left, right]) => {
        fc.pre(need(left, right).kind === 'merge')
        const here = adopted(left, right, stat, noDot)
        const there = adopted(right, left, stat, noDot)
        expect(plain(here as Entry)).toEqual(plain(there as Entry))
      }),
      often,
    )
  })

  it('does not let the peer´s row number or stat in', () => {
    const remote = { ...known, seq: 99, stat: { ...stat, inode: 5 } }
    expect(adopted(undefined, remote, undefined, noDot)).toEqual({ ...known, stat: undefined })
  })
})

describe('reasserted', () => {
  it('puts our version above both, as our own write', () => {
    fc.assert(
      fc.property(anyPair, ([local, remote]) => {
        const row = reasserted({ ...local, seq: 3, stat }, remote, [self, 1])
        expect(compare(row.vector, local.vector)).toBe('ahead')
        expect(compare(row.vector, remote.vector)).toBe('ahead')
        expect(sameEntry(row, local)).toBe(true)
        expect(row.dots).toEqual([[self, 1]])
        expect(row).not.toHaveProperty('seq')
      }),
      often,
    )
  })
})
