import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addToDigest, emptyDigest } from '../core/causal/digest.ts'
import type { FolderIndex } from '../core/causal/folder-index.ts'
import { hear, nothingHeard } from '../core/causal/heard.ts'
import type { Entry, NodeId, ReplicaId, Row, StatSignature } from '../core/causal/types.ts'
import { covers } from '../core/causal/version-vector.ts'

type Given = Entry & { readonly stat: Row['stat'] }

export const replica = 'laptop.00000001' as ReplicaId
const other = 'server.00000002' as ReplicaId
const stat: StatSignature = {
  mtimeUs: 1_700_000_000_123_456,
  ctimeUs: 1_700_000_000_654_321,
  size: 3,
  inode: 12,
  mode: 0o644,
}
const hashOf = (digit: string): string => digit.repeat(64)

export function file(path: string, counter: number, more: Partial<Given> = {}): Given {
  return {
    path,
    kind: 'file',
    size: 3,
    mtimeUs: 1_700_000_000_123_456,
    mode: 0o644,
    hash: hashOf('a'),
    deleted: false,
    vector: { [replica]: counter },
    dots: [[replica, counter]],
    stat,
    ...more,
  }
}

const tombstone = (path: string, counter: number): Given =>
  file(path, counter, { deleted: true, size: 0, mtimeUs: 0, mode: 0, hash: '', stat: undefined })

const pathsOf = (rows: readonly Row[]): string[] => rows.map((row) => row.path)

/** What every FolderIndex must do. `make` gives a new empty one with `replica` as its key. */
export function runFolderIndexTests(make: () => FolderIndex): void {
  runRowTests(make)
  runSinceTests(make)
  runLaws(make)
}

function runRowTests(make: () => FolderIndex): void {
  describe('rows', () => {
    it('starts empty', () => {
      const index = make()
      expect(index.meta()).toEqual({ replica, knowledge: {}, digest: emptyDigest, seq: 0, collected: {} })
      expect(index.totals()).toEqual({ files: 0, dirs: 0, bytes: 0, tombstones: 0 })
      expect(index.get('a')).toBeUndefined()
      expect(index.since(0, undefined, 10)).toEqual({ rows: [], toSeq: 0, complete: true })
    })

    it.each<[string, Given]>([
      ['a file', file('a', 1)],
      ['an empty file never hashed', file('a', 1, { size: 0, stat: undefined })],
      ['a directory', file('d', 1, { kind: 'dir', size: 0, mtimeUs: 0, hash: '' })],
      ['a link', file('l', 1, { kind: 'symlink', mode: 0, size: 9 })],
      ['a tombstone', tombstone('gone', 4)],
      [
        'several dots',
        file('m', 2, {
          vector: { [replica]: 2, [other]: 7 },
          dots: [
            [replica, 2],
            [other, 7],
          ],
        }),
      ],
      ['what it has beaten', file('m', 2, { vector: { [replica]: 2, [other]: 7 }, beaten: [[other, 7]] })],
      ['a strange name', file(' -a\n\'"%_*é😀\\', 1)],
      ['a large inode, a time before 1970', file('x', 1, { mtimeUs: -5, stat: { ...stat, inode: 2 ** 63 + 2 ** 40 } })],
    ])('gives back %s as it was put in', (_, given) => {
      const index = make()
      index.commit({ rows: [given] })
      expect(index.get(given.path)).toEqual({ ...given, seq: 1 })
      expect(index.getMany(['nothing', given.path]).get(given.path)).toEqual({ ...given, seq: 1 })
    })

    it('replaces a row and moves it to the end of the order', () => {
      const index = make()
      index.commit({ rows: [file('a', 1), file('b', 2)] })
      const meta = index.commit({ rows: [file('a', 3, { size: 10 })], knowledge: { [replica]: 3 } })
      expect(meta).toEqual(index.meta())
      expect(meta.seq).toBe(3)
      expect(meta.knowledge).toEqual({ [replica]: 3 })
      expect(pathsOf(index.since(0, undefined, 10).rows)).toEqual(['b', 'a'])
      expect(index.totals()).toEqual({ files: 2, dirs: 0, bytes: 13, tombstones: 0 })
    })

    it('counts kinds, and takes the last of two rows for one path in one commit', () => {
      const index = make()
      index.commit({
        rows: [file('a', 1), file('d', 2, { kind: 'dir', size: 0 }), tombstone('t', 3), file('a', 4, { size: 5 })],
      })
      expect(index.totals()).toEqual({ files: 1, dirs: 1, bytes: 5, tombstones: 1 })
      index.commit({ rows: [tombstone('a', 5), tombstone('d', 6), file('t', 7, { kind: 'symlink', size: 2 })] })
      expect(index.totals()).toEqual({ files: 1, dirs: 0, bytes: 2, tombstones: 2 })
    })

    it('lists live rows strictly below a directory in byte order', () => {
      const index = make()
      const names = ['d', 'd-x', 'd/b', 'd/a', 'd/a/z', 'd0', 'e', 'd/\u{1f600}', 'd/\uffee', 'd/_', 'd/%']
      index.commit({ rows: [...names.map((name, at) => file(name, at + 1)), tombstone('d/gone', 99)] })
      expect(pathsOf(index.below('d', 100))).toEqual(['d/%', 'd/_', 'd/a', 'd/a/z', 'd/b', 'd/\uffee', 'd/\u{1f600}'])
      expect(pathsOf(index.below('d', 2))).toEqual(['d/%', 'd/_'])
      expect(index.below('', 100)).toHaveLength(names.length)
      expect(index.below('e', 100)).toEqual([])
    })

    it('knows whether anything was ever below a directory', () => {
      const index = make()
      expect(index.hasBelow('')).toBe(false)
      index.commit({ rows: [file('d', 1, { kind: 'dir', size: 0 }), file('d-x/y', 2), tombstone('gone/f', 3)] })
      expect(['', 'd', 'd-x', 'gone', 'gone/f'].map((path) => index.hasBelow(path))).toEqual([
        true,
        false,
        true,
        true,
        false,
      ])
    })

    it('finds live files by content', () => {
      const index = make()
      const hash = hashOf('b')
      index.commit({
        rows: [file('a', 1, { hash }), file('b', 2, { hash }), file('l', 3, { hash, kind: 'symlink' }), file('c', 4)],
      })
      expect(pathsOf(index.withHash(hash, 10)).sort()).toEqual(['a', 'b'])
      expect(index.withHash(hash, 1)).toHaveLength(1)
      index.commit({ rows: [tombstone('a', 5)] })
      expect(pathsOf(index.withHash(hash, 10))).toEqual(['b'])
    })

    it('changes the stat alone without a new seq', () => {
      const index = make()
      index.commit({ rows: [file('a', 1)] })
      const before = index.meta()
      index.restat([
        { path: 'a', stat: { ...stat, ctimeUs: 5 } },
        { path: 'unknown', stat },
      ])
      expect(index.get('a')).toEqual({ ...file('a', 1), stat: { ...stat, ctimeUs: 5 }, seq: 1 })
      expect(index.since(0, undefined, 10).rows[0]?.stat?.ctimeUs).toBe(5)
      index.restat([{ path: 'a', stat: undefined }])
      expect(index.get('a')?.stat).toBeUndefined()
      expect(index.meta()).toEqual(before)
    })

    it('drops tombstones, and nothing else, and says up to where', () => {
      const index = make()
      index.commit({ rows: [file('a', 1), tombstone('b', 2), tombstone('c', 3)], knowledge: { [replica]: 3 } })
      const { digest, seq } = index.meta()
      expect(index.tombstones(0, 1)).toMatchObject({ rows: [{ path: 'b', vector: { [replica]: 2 } }], complete: false })
      expect(index.tombstones(2, 5)).toMatchObject({ rows: [{ path: 'c' }], toSeq: 3, complete: true })
      index.commit({ rows: [], dropped: ['a', 'b', 'nothing'], collected: { [replica]: 2 } })
      expect(index.meta()).toMatchObject({ digest, seq, collected: { [replica]: 2 }, knowledge: { [replica]: 3 } })
      expect(index.get('b')).toBeUndefined()
      expect(index.totals()).toEqual({ files: 1, dirs: 0, bytes: 3, tombstones: 1 })
      expect(pathsOf(index.since(0, undefined, 10).rows)).toEqual(['a', 'c'])
      index.commit({ rows: [file('b', 4)] })
      expect(pathsOf(index.since(3, undefined, 10).rows)).toEqual(['b'])
    })

    it('remembers members', () => {
      const index = make()
      expect(index.members()).toEqual([])
      const members = [{ node: 'x' as NodeId, version: 3, knowledge: { [other]: 2 }, neighbours: ['y' as NodeId] }]
      index.keepMembers(members)
      expect(index.members()).toEqual(members)
    })

    it('vouches for its own writes only when it ignores other things than before', () => {
      const index = make()
      index.rescope('')
      index.commit({ rows: [], knowledge: { [replica]: 3, [other]: 5 }, collected: { [replica]: 1, [other]: 4 } })
      index.rescope('')
      expect(index.meta().knowledge).toEqual({ [replica]: 3, [other]: 5 })
      index.rescope('no iso')
      expect(index.meta()).toMatchObject({ knowledge: { [replica]: 3 }, collected: { [replica]: 1 } })
    })

    it('takes a new key and keeps what it knows', () => {
      const index = make()
      index.commit({ rows: [file('a', 1)], knowledge: { [replica]: 1 } })
      index.reincarnate(other)
      expect(index.meta()).toMatchObject({ replica: other, knowledge: { [replica]: 1 }, seq: 1 })
    })
  })
}

function runSinceTests(make: () => FolderIndex): void {
  describe('since', () => {
    it('pages', () => {
      const index = make()
      index.commit({ rows: Array.from({ length: 25 }, (_, at) => file(`f${at}`, at + 1)) })
      const first = index.since(0, undefined, 10)
      expect(first).toMatchObject({ toSeq: 10, complete: false })
      const second = index.since(first.toSeq, undefined, 10)
      const third = index.since(second.toSeq, undefined, 10)
      expect(third).toMatchObject({ toSeq: 25, complete: true })
      expect([first, second, third].map((part) => part.rows.length)).toEqual([10, 10, 5])
    })

    it('leaves out what is covered, and goes on behind it', () => {
      const index = make()
      index.commit({ rows: [file('a', 1), file('b', 2), file('c', 1, { vector: { [other]: 1 } }), file('d', 3)] })
      const found = index.since(0, { [replica]: 2 }, 10)
      expect(pathsOf(found.rows)).toEqual(['c', 'd'])
      expect(found).toMatchObject({ toSeq: 4, complete: true })
      expect(index.since(0, { [replica]: 3, [other]: 1 }, 10)).toEqual({ rows: [], toSeq: 4, complete: true })
    })

    it('leaves out what a peer has told of itself, also when all is asked for', () => {
      const index = make()
      index.commit({ rows: [file('a', 1), file('b', 2), file('c', 3), file('d', 4)] })
      const heard = hear(nothingHeard, [{ [replica]: 2 }, { [replica]: 3 }])
      expect(pathsOf(index.since(0, {}, 10, heard).rows)).toEqual(['a', 'd'])
      expect(pathsOf(index.since(0, { [replica]: 1 }, 10, heard).rows)).toEqual(['d'])
      expect(index.since(0, undefined, 10, heard)).toMatchObject({ toSeq: 4, complete: true })
    })

    it('ends at the highest seq although its row has moved on', () => {
      const index = make()
      index.commit({ rows: [file('a', 1)] })
      index.commit({ rows: [], knowledge: { [other]: 9 } })
      expect(index.since(1, undefined, 10)).toEqual({ rows: [], toSeq: 1, complete: true })
      expect(index.since(0, { [replica]: 1 }, 10)).toEqual({ rows: [], toSeq: 1, complete: true })
    })
  })
}

function runLaws(make: () => FolderIndex): void {
  const given = fc.record({
    path: fc.constantFrom('a', 'b', 'c/d', 'c', 'é'),
    counter: fc.integer({ min: 1, max: 9 }),
    by: fc.constantFrom(replica, other),
    deleted: fc.boolean(),
  })
  const commits = fc.array(fc.array(given, { maxLength: 6 }), { maxLength: 8 })

  it('keeps digest, totals and order for any history', () => {
    fc.assert(
      fc.property(commits, fc.integer({ min: 1, max: 4 }), (history, limit) => {
        const index = make()
        try {
          for (const items of history) {
            index.commit({
              rows: items.map(({ path, counter, by, deleted }) => ({
                ...(deleted ? tombstone(path, counter) : file(path, counter)),
                vector: { [by]: counter },
              })),
            })
          }
          expectConsistent(index, limit)
        } finally {
          index.close()
        }
      }),
      { numRuns: 60 },
    )
  })
}

function expectConsistent(index: FolderIndex, limit: number): void {
  const all = index.since(0, undefined, 10_000).rows
  expect(index.meta().digest).toBe(all.reduce(addToDigest, emptyDigest))
  expect(index.totals().tombstones).toBe(all.filter((row) => row.deleted).length)
  expect(index.totals().files).toBe(all.filter((row) => !row.deleted).length)
  const knowledge = { [replica]: 5, [other]: 3 }
  const paged: Row[] = []
  for (let cursor = 0, complete = false; !complete; ) {
    const part = index.since(cursor, knowledge, limit)
    expect(part.rows.length).toBeLessThanOrEqual(limit)
    paged.push(...part.rows)
    cursor = part.toSeq
    complete = part.complete
  }
  expect(paged).toEqual(all.filter((row) => !covers(knowledge, row.vector)))
}
