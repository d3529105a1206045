import type { CommitRow } from '@spansync/common/core/agent/events'
import type { Entry, NodeId, RelativePath, ReplicaId, VersionVector } from '@spansync/common/core/causal/types'
import { file } from '@spansync/common/testing/entries'
import { MemoryIndex } from '@spansync/common/testing/memory-index'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { makeTestFolder, type TestFolder } from '../disk/testing/test-folder.ts'
import { Litter } from './litter.ts'

const pairs = ['4e4c187e56e9b769c6d80b5134e902af', '978d9e87df0dd4d62c585fe8096551e0']
let folder: TestFolder
let index: MemoryIndex
let litter: Litter
const claims = new Set<RelativePath>()
const wanted = new Set<RelativePath>()
const toldBy = new Set<NodeId>()
const peer = 'p' as NodeId

beforeEach(() => {
  folder = makeTestFolder()
  index = new MemoryIndex('r' as ReplicaId)
  claims.clear()
  wanted.clear()
  toldBy.clear()
  const is = {
    isClaimed: (path: string) => claims.has(path),
    mayBeWanted: (path: string) => wanted.has(path),
    hasTold: (node: NodeId) => toldBy.has(node),
  }
  litter = new Litter({ root: folder.root, stagingRoots: async () => [], index, ...is })
})
afterEach(() => folder[Symbol.dispose]())

const temporary = (path: string, pair = pairs[0]): string => path.replace(/([^/]*)$/, `.unison.$1.${pair}.unison.tmp`)
const version = (path: string, vector: VersionVector): Entry =>
  file(path, `${path} of ${JSON.stringify(vector)}`, vector)

async function commit(...entries: Entry[]): Promise<void> {
  const rows = entries.map((entry): CommitRow => ({ ...entry, stat: undefined }))
  index.commit({ rows, knowledge: {} })
  await litter.committed(rows)
}

/** Only the temporary ones. */
const left = (): string[] => folder.names().filter((name) => name.endsWith('.unison.tmp'))

test('an unfinished file stays while its version is wanted, and goes when that has come another way', async () => {
  folder.write(temporary('d/x', pairs[0]))
  folder.write(temporary('d/x', pairs[1]))
  await litter.note([version('d/x', { a: 2 })], peer)
  await commit(version('d/x', { b: 1 }), version('d/y', { a: 9 }))
  expect(left()).toHaveLength(2)
  await commit(version('d/x', { a: 2, b: 1 }))
  expect(left()).toEqual([])
})

test('it goes at once when something newer is here already', async () => {
  await commit(version('x', { a: 3 }))
  folder.write(temporary('x'))
  await litter.note([version('x', { a: 2 })], peer)
  expect(left()).toEqual([])
})

test('it stays while a session may be writing it, and others are left alone', async () => {
  folder.write(temporary('d/x'))
  folder.write(temporary('d/y'))
  claims.add('d/x')
  await litter.note([version('d/x', { a: 1 })], peer)
  await commit(version('d/x', { a: 1 }))
  expect(left()).toHaveLength(2)
  claims.clear()
  await commit(version('elsewhere', { a: 3 }))
  expect(left()).toEqual([temporary('d/y')])
})

test('what an earlier life left goes with the next change of the path', async () => {
  folder.write(temporary('d/x'))
  litter.found([temporary('d/x')])
  await commit(version('d/y', { a: 1 }))
  expect(left()).toHaveLength(1)
  await commit(version('d/x', { a: 2 }))
  expect(left()).toEqual([])
})

test('what a scan finds goes, unless it is still wanted', async () => {
  for (const path of ['d/x', 'd/y', 'moved/z']) folder.write(temporary(path))
  claims.add('d/y')
  await litter.note([version('d/x', { a: 1 })], peer)
  await litter.sweep(left())
  expect(left()).toEqual([temporary('d/x'), temporary('d/y')])
})

test('what an earlier life left goes with a later scan, when no peer speaks of it', async () => {
  for (const path of ['x', 'y']) folder.write(temporary(path))
  litter.found(left())
  wanted.add('x')
  await litter.sweep(left())
  expect(left()).toEqual([temporary('x')])
})

test('what nobody tells of any more goes, though no version here knows it: its writer has lost its index', async () => {
  folder.write(temporary('x'))
  folder.write(temporary('y'))
  await litter.note([version('x', { lost: 4 }), version('y', { lost: 5 })], peer)
  await litter.sweep(left())
  await commit(version('x', { b: 1 }))
  expect(left()).toHaveLength(2)
  toldBy.add(peer)
  wanted.add('y')
  await litter.sweep(left())
  await commit(version('y', { b: 2 }))
  expect(left()).toEqual([temporary('y')])
  wanted.clear()
  await commit(version('y', { b: 3 }))
  expect(left()).toEqual([])
})

test('what an earlier life left goes when nobody waits for it any more, without anything coming', async () => {
  folder.write(temporary('x'))
  wanted.add('x')
  litter.found([temporary('x')])
  await litter.review()
  expect([left().length, litter.isAnyOpen]).toEqual([1, true])
  wanted.clear()
  await litter.review()
  expect([left(), litter.isAnyOpen]).toEqual([[], false])
})

test('but not before the peer whose it was has told of everything', async () => {
  folder.write(temporary('x'))
  litter.found([temporary('x')], peer)
  await litter.review()
  expect(left()).toHaveLength(1)
  toldBy.add(peer)
  await litter.review()
  expect(left()).toEqual([])
})
