import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Seen } from '@spansync/common/core/agent/events'
import type { RelativePath, ReplicaId } from '@spansync/common/core/causal/types'
import { directory, file, folder as folderState, written } from '@spansync/common/testing/entries'
import { MemoryIndex } from '@spansync/common/testing/memory-index'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { DiskWorker } from '../disk/disk-worker.ts'
import { Observer, seenAtOnce } from './observer.ts'
import { PathProblems } from './path-problems.ts'

let root: string

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'spansync-observer-'))
  writeFileSync(join(root, 'left'), '')
})
afterAll(() => rmSync(root, { recursive: true }))

/** A disk that shows nothing but `left`. */
const emptyDisk = {
  observe: async (_root: string, wanted: readonly { path: RelativePath }[]) =>
    wanted.map(({ path }) => ({ path, disk: path === 'left' ? written('') : undefined })),
} as unknown as DiskWorker

function observerOf(index: MemoryIndex): Observer {
  return new Observer({
    root,
    disk: emptyDisk,
    index,
    problems: new PathProblems(),
    folds: false,
    files: [],
    isIgnored: (path) => path.endsWith('.tmp'),
    again: () => {},
    late: () => {},
  })
}

function indexOf(paths: readonly string[]): MemoryIndex {
  const index = new MemoryIndex('a' as ReplicaId)
  index.commit({
    rows: paths.map((path, at) => {
      const entry = path.endsWith('/') ? directory(path.slice(0, -1), { a: at + 1 }) : file(path, 'h', { a: at + 1 })
      return { ...entry, stat: (path.endsWith('/') ? folderState() : written('h')).stat }
    }),
  })
  return index
}

const pathsOf = (seen: readonly Seen[]): string[] => seen.map(({ path }) => path)

it('sees everything that was in a vanished directory, once', async () => {
  const index = indexOf(['left', 'd/', 'd/e/', 'd/e/f', 'd/g', 'd/h.tmp', 'other'])
  expect(pathsOf(await observerOf(index).look(['d', 'd/g']))).toEqual(['d', 'd/g', 'd/e', 'd/e/f'])
})

it('takes a vanished directory of any size, in pages', async () => {
  const files = Array.from({ length: 130_000 }, (_, at) => `d/${at}`)
  const observer = observerOf(indexOf(['left', 'd/'].concat(files)))
  const pages: number[] = []
  for await (const page of observer.pages(['d'], { mode: 'trust_stat', isHinted: true })) pages.push(page.length)
  expect(pages.reduce((sum, length) => sum + length)).toBe(files.length + 1)
  expect(Math.max(...pages)).toBeLessThanOrEqual(seenAtOnce)
  expect(pages.length).toBe(Math.ceil((files.length + 1) / seenAtOnce))
  expect(await observer.look(['d'])).toHaveLength(files.length + 1)
})
