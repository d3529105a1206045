import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { moveOut } from '../disk/keep.ts'
import { type PruneOptions, pruneVersions } from './prune.ts'

let base: string
let directory: string
const { signal } = new AbortController()
const dayMs = 86_400_000
const nowMs = Date.parse('2026-11-27T12:00:00Z')
const limits = { days: 30, count: 10, maxBytes: 1000, ownRoom: false }

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'spansync-kept-'))
  directory = join(base, 'versions')
})
afterEach(() => rmSync(base, { recursive: true }))

function keep(folder: string, path: string, ageDays: number, content = 'x'.repeat(100)): void {
  const full = join(base, 'leaving')
  writeFileSync(full, content)
  moveOut(full, { directory: join(directory, folder), atMs: nowMs - ageDays * dayMs, path })
}

const prune = (more: Partial<PruneOptions> = {}) =>
  pruneVersions({ directory, limitsOf: () => limits, nowMs, most: 1000, signal, ...more })

/** Files and links below, without the moments. */
function left(): string[] {
  const found = readdirSync(directory, { recursive: true, withFileTypes: true })
  return found
    .filter((entry) => !entry.isDirectory())
    .map(({ parentPath, name }) => join(parentPath, name).slice(directory.length + 1))
    .map((path) => path.replace(/2026-\d{2}-\d{2}\/\d{9}\//, ''))
    .filter((path) => !path.startsWith('docs/2020-01-01/'))
    .sort()
}

test('what is young and fits stays', async () => {
  keep('docs', 'd/e', 1)
  keep('docs', 'd/e', 29)
  expect(await prune()).toEqual({ removed: 0, isMore: false })
  expect(left()).toEqual(['docs/d/e', 'docs/d/e'])
})

test('what is too old goes, with the directories it leaves empty; a folder has its own policy', async () => {
  keep('docs', 'd/e/f', 31)
  keep('docs', 'd/g', 40)
  keep('work', 'd', 31)
  const limitsOf = (folder: string) => ({ ...limits, days: folder === 'work' ? 60 : 30 })
  expect(await prune({ limitsOf })).toEqual({ removed: 2, isMore: false })
  expect(left()).toEqual(['work/d'])
  expect(readdirSync(join(directory, 'docs'))).toEqual([])
})

test('of one path only the newest stay, of all what fits', async () => {
  for (const age of [1, 2, 3]) keep('docs', 'a', age, `${age}`)
  keep('docs', 'b', 2)
  await prune({ limitsOf: () => ({ ...limits, count: 2 }) })
  expect(left()).toEqual(['docs/a', 'docs/a', 'docs/b'])
  await prune({ limitsOf: () => ({ ...limits, maxBytes: 50 }) })
  expect(left()).toEqual(['docs/a', 'docs/a'])
})

test('no more than so many at a time', async () => {
  for (const path of ['a', 'b', 'c']) keep('docs', path, 50)
  expect(await prune({ most: 2 })).toEqual({ removed: 2, isMore: true })
  expect(await prune({ most: 2 })).toEqual({ removed: 1, isMore: false })
})

test('nothing but kept versions is ever removed', async () => {
  keep('docs', 'gone', 50)
  const outside = join(base, 'outside')
  mkdirSync(join(outside, '000000000'), { recursive: true })
  writeFileSync(join(outside, '000000000/mine'), 'x')
  symlinkSync(outside, join(directory, 'docs', '2020-01-01'))
  const others = ['notes', 'docs/notes', 'docs/2020-13-45/000000000/x', 'docs/2020-01-02/notes', 'docs/2020-01-02/1/x']
  const unison = 'docs/unison/peer/f'
  for (const path of [...others, unison]) {
    mkdirSync(dirname(join(directory, path)), { recursive: true })
    writeFileSync(join(directory, path), 'x'.repeat(5000))
  }
  expect(await prune({ limitsOf: () => ({ ...limits, days: 0, maxBytes: 0 }) })).toEqual({ removed: 1, isMore: false })
  expect(left()).toEqual([...others, unison, 'docs/2020-01-01'].sort())
  expect(readdirSync(join(outside, '000000000'))).toEqual(['mine'])
})

test('nothing was ever kept', async () => {
  expect(await prune({ directory: join(base, 'none') })).toEqual({ removed: 0, isMore: false })
})
