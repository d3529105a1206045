import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { pruneVersions } from './kept-versions.ts'

let directory: string
const { signal } = new AbortController()
const dayMs = 86_400_000

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'spansync-kept-'))
  mkdirSync(join(directory, 'docs/2026-11-20/101500/d'), { recursive: true })
  writeFileSync(join(directory, 'docs/2026-11-20/101500/d/gone'), 'x'.repeat(100))
  writeFileSync(join(directory, 'docs/2026-11-20/101500/other'), 'x'.repeat(100))
})

afterEach(() => rmSync(directory, { recursive: true }))

test('what is young and fits stays', async () => {
  expect(await pruneVersions(directory, { days: 30, maxBytes: 1000 }, Date.now(), signal)).toBe(0)
  expect(readdirSync(join(directory, 'docs/2026-11-20/101500'))).toEqual(['d', 'other'])
})

test('what is too old goes, with the directories it leaves empty', async () => {
  expect(await pruneVersions(directory, { days: 30, maxBytes: 1000 }, Date.now() + 31 * dayMs, signal)).toBe(2)
  expect(() => readdirSync(directory)).toThrow('ENOENT')
  mkdirSync(directory)
})

test('of what does not fit the oldest goes', async () => {
  expect(await pruneVersions(directory, { days: 30, maxBytes: 150 }, Date.now(), signal)).toBe(1)
})

test('nothing was ever kept', async () => {
  expect(await pruneVersions(join(directory, 'none'), { days: 1, maxBytes: 1 }, Date.now(), signal)).toBe(0)
})
