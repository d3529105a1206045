import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { pairDirectories, pairDirectory } from './locks.ts'
import { PairUse } from './pair-use.ts'

const hash = '4e4c187e56e9b769c6d80b5134e902af'
let base: string
let directory: string
let failures: unknown[]
let use: PairUse

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'spansync-pairs-'))
  directory = pairDirectory(base, 'f', 'peer')
  mkdirSync(directory, { recursive: true })
  failures = []
  use = new PairUse((error) => failures.push(error))
})
afterEach(() => rmSync(base, { recursive: true }))

const leave = (...kinds: string[]): void => {
  for (const kind of kinds) writeFileSync(join(directory, `${kind}${hash}`), '')
}
const kinds = (): string[] => readdirSync(directory).map((name) => name.slice(0, 2))

test('what a killed process left goes when the last one in the directory has ended, and not what the next one needs', async () => {
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const one = use.during(directory, () => first.promise)
  const two = use.during(directory, () => second.promise)
  leave('ar', 'fp', 'lk', 'sc', 'tm')
  first.reject(new Error('killed'))
  await expect(one).rejects.toThrow('killed')
  await use.cure(directory)
  expect(kinds()).toEqual(['ar', 'fp', 'lk', 'sc', 'tm'])
  second.resolve()
  await two
  expect(kinds()).toEqual(['ar', 'fp'])
  expect(failures).toEqual([])
})

test('what the next process makes is not taken for what the one before has left', async () => {
  leave('lk')
  const curing = use.cure(directory)
  await use.during(directory, async () => {
    leave('lk', 'sc')
    await curing
    expect(kinds()).toEqual(['lk', 'sc'])
  })
  expect(kinds()).toEqual([])
})

test('what an earlier life left goes, too', async () => {
  leave('lk')
  const directories = await pairDirectories(base, 'f')
  expect(directories).toEqual([directory])
  expect(await pairDirectories(base, 'other')).toEqual([])
  await Promise.all(directories.map((one) => use.cure(one)))
  expect(kinds()).toEqual([])
})
