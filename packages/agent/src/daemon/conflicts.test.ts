import type { ReplicaId } from '@spansync/common/core/causal/types'
import { directory, file, tombstone } from '@spansync/common/testing/entries'
import { MemoryIndex } from '@spansync/common/testing/memory-index'
import { expect, it } from 'vitest'
import type { FolderHost } from '../folder/folder-host.ts'
import { conflictsOf, countConflicts } from './conflicts.ts'
import { docs } from './testing.ts'

it('lists and counts the same: files and links that are named as conflict copies', () => {
  const copies = ['a (conflict 2026-01-02 nas).txt', 'd (conflict 2026-01-02 nas)/b (conflict 2026-01-03 nas)']
  const rows = [
    ...copies.map((path, at) => file(path, 'x', { a: at + 1 })),
    directory('d (conflict 2026-01-02 nas)', { a: 3 }),
    file('d (conflict 2026-01-02 nas)/inside', 'x', { a: 4 }),
    file('my (conflict of interest).txt', 'x', { a: 5 }),
    tombstone('gone (conflict 2026-01-02 nas)', { a: 6 }),
  ]
  const index = new MemoryIndex('a' as ReplicaId)
  index.commit({ rows: rows.map((row) => ({ ...row, stat: undefined })) })
  const host = { engine: { index }, options: { folder: docs } } as unknown as FolderHost
  expect(conflictsOf([host]).map(({ path }) => path)).toEqual(copies)
  expect(countConflicts(index)).toBe(copies.length)
  index.commit({ rows: [{ ...tombstone(copies[0] ?? '', { a: 7 }), stat: undefined }] })
  expect(countConflicts(index)).toBe(1)
})
