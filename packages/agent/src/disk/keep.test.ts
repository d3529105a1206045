import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { copyAcross } from './keep.ts'

let base: string
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'spansync-keep-'))
})
afterEach(() => rmSync(base, { recursive: true, force: true }))

const at = (path: string): string => join(base, path)

test.each(['no such', '/etc', 'd'])('a link to %j goes to another disk as it is', (target) => {
  mkdirSync(at('d'))
  symlinkSync(target, at('link'))
  copyAcross(at('link'), at('copy'))
  expect(readlinkSync(at('copy'))).toBe(target)
})

test('a directory with files and links, with their times', () => {
  mkdirSync(at('d/e'), { recursive: true })
  writeFileSync(at('d/e/f'), 'content')
  utimesSync(at('d/e/f'), 1_700_000_000, 1_700_000_000)
  symlinkSync('no such', at('d/link'))
  copyAcross(at('d'), at('copy'))
  expect([readFileSync(at('copy/e/f'), 'utf8'), readlinkSync(at('copy/link'))]).toEqual(['content', 'no such'])
  expect(lstatSync(at('copy/e/f')).mtimeMs).toBe(1_700_000_000_000)
})

test('nothing is overwritten', () => {
  writeFileSync(at('f'), 'new')
  writeFileSync(at('taken'), 'old')
  expect(() => copyAcross(at('f'), at('taken'))).toThrow(/EEXIST/)
  expect(readFileSync(at('taken'), 'utf8')).toBe('old')
})
