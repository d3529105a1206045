import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { countEntries, planRuns } from './plan-runs.ts'

describe('planRuns', () => {
  test('nothing to do, no run', () => expect(planRuns([])).toEqual([]))
  test('the root', () => expect(planRuns([''])).toEqual([{ paths: [''] }]))
  test('keeps the order and the limit', () => {
    const paths = Array.from({ length: 50 }, (_, at) => `file-${at}`)
    const runs = planRuns(paths, { maxBytes: 100 })
    expect(runs.flatMap((run) => ('paths' in run ? run.paths : []))).toEqual(paths)
    for (const run of runs) expect('paths' in run ? run.paths.join('').length : 0).toBeLessThanOrEqual(100)
    expect(runs.length).toBeGreaterThan(5)
  })
  test('counts bytes, not characters', () => expect(planRuns(['日本', '日本'], { maxBytes: 20 })).toHaveLength(2))
  test('one path longer than the limit goes alone', () => {
    expect(planRuns(['a', 'b'.repeat(99), 'c'], { maxBytes: 50 })).toEqual([
      { paths: ['a'] },
      { paths: ['b'.repeat(99)] },
      { paths: ['c'] },
    ])
  })
  test('a name that is a star goes alone', () => {
    expect(planRuns(['a', 'd/*', 'a*', '*'])).toEqual([
      { paths: ['a', 'a*'] },
      { directory: 'd', names: ['*'] },
      { directory: '', names: ['*'] },
    ])
  })
  test('many names of a wide directory go together, in as many runs as they need', () => {
    const names = Array.from({ length: 100 }, (_, at) => `f${at}`)
    const paths = [...names.map((name) => `wide/${name}`), ...names.map((name) => `narrow/${name}`)]
    const entriesIn = new Map([
      ['wide', 5000],
      ['narrow', 100],
    ])
    const [plain, ...rest] = planRuns(paths, { entriesIn, maxBytes: 3000 })
    expect(plain).toEqual({ paths: names.map((name) => `narrow/${name}`) })
    expect(rest.length).toBeGreaterThan(0)
    expect(rest.flatMap((run) => ('names' in run && run.directory === 'wide' ? run.names : []))).toEqual(names)
  })
})

test('a directory that comes whole is never asked for by its name', () => {
  const paths = Array.from({ length: 400 }, (_, at) => `d${at}`)
  const entriesIn = new Map([['', 1000]])
  expect(planRuns(paths, { entriesIn })).toEqual([{ directory: '', names: paths }])
  expect(planRuns(paths, { entriesIn, wholes: new Set(paths) })).toEqual([{ paths }])
})

test('countEntries: only of directories of which many names are wanted', async () => {
  const root = await mkdtemp(join(tmpdir(), 'spansync-plan-'))
  await mkdir(join(root, 'd'))
  for (let at = 0; at < 80; at++) await writeFile(join(root, 'd', `other-${at}`), '')
  const paths = [
    'few/x',
    ...Array.from({ length: 60 }, (_, at) => `d/new-${at}`),
    ...Array.from({ length: 70 }, (_, at) => `absent/${at}`),
  ]
  expect(await countEntries(root, paths)).toEqual(
    new Map([
      ['d', 80],
      ['absent', 70],
    ]),
  )
  await rm(root, { recursive: true })
})
