import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { curePairLocks, forgetPair, pairDirectory, pairMemory } from './locks.ts'

const hash = '4e4c187e56e9b769c6d80b5134e902af'
let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'spansync-locks-'))
  for (const kind of ['ar', 'fp', 'lk', 'tm', 'sc']) await writeFile(join(directory, kind + hash), '12345')
  await writeFile(join(directory, 'default.prf'), '')
  await mkdir(join(directory, 'monitor'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

test('curePairLocks removes only locks', async () => {
  expect(await curePairLocks(directory)).toEqual([`lk${hash}`])
  expect(await curePairLocks(directory)).toEqual([])
  expect(await readdir(directory)).toHaveLength(6)
})

test('forgetPair removes all that Unison remembers, and nothing else', async () => {
  expect(await forgetPair(directory)).toHaveLength(5)
  expect((await readdir(directory)).sort()).toEqual(['default.prf', 'monitor'])
})

test('pairMemory', async () => {
  expect(await pairMemory(directory)).toEqual({ hash, archiveBytes: 5 })
  await forgetPair(directory)
  expect(await pairMemory(directory)).toBeUndefined()
})

test('a pair that never ran', async () => {
  const never = join(directory, 'never')
  expect(await curePairLocks(never)).toEqual([])
  expect(await forgetPair(never)).toEqual([])
  expect(await pairMemory(never)).toBeUndefined()
})

test.each([
  ['docs', 'n1', '/u/docs/n1'],
  ['a/b', '..', '/u/a%2Fb/%2E%2E'],
])('pairDirectory(%j, %j)', (folder, peer, path) => expect(pairDirectory('/u', folder, peer)).toBe(path))
