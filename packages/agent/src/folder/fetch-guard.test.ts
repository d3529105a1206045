import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FetchItem, Seen } from '@spansync/common/core/agent/events'
import type { DiskState, RelativePath, Row } from '@spansync/common/core/causal/types'
import type { FolderIndex } from '@spansync/common/ports'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { FetchGuard } from './fetch-guard.ts'
import type { Observer } from './observer.ts'

const stat = { mtimeUs: 1, ctimeUs: 1, size: 1, inode: 1, mode: 0o644 }
const mine: DiskState = { kind: 'file', size: 1, mtimeUs: 1, mode: 0o644, hash: 'mine', stat }

let root = ''
let rows: Map<RelativePath, Row>
let looked: RelativePath[]

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'guard-'))
  rows = new Map()
  looked = []
})

afterEach(() => rmSync(root, { recursive: true }))

function guard(onDisk: readonly RelativePath[] = []): FetchGuard {
  const index = { get: (path: RelativePath) => rows.get(path) } as FolderIndex
  const look = (paths: Iterable<RelativePath>): Promise<Seen[]> => {
    looked = [...paths]
    const seen = looked.map((path) => ({ path, local: rows.get(path), disk: onDisk.includes(path) ? mine : undefined }))
    return Promise.resolve(seen)
  }
  return new FetchGuard({ root, index, observer: { look } as unknown as Observer })
}

function item(path: RelativePath): FetchItem {
  const content = { kind: 'file', size: 1, mtimeUs: 2, mode: 0o644, hash: 'theirs', deleted: false } as const
  const entry = { path, ...content, vector: { 'a.1': 1 }, dots: [] } as unknown as FetchItem['entry']
  return { entry, local: undefined, transit: undefined, clear: false, attempts: 0 }
}

const two = [item('new/1'), item('new/2')]

test.each([
  ['is absent', () => undefined],
  ['is empty', () => mkdirSync(join(root, 'new'))],
  ['holds what a session left', () => void mkdirSync(join(root, 'new/.unison.1.unison.tmp'), { recursive: true })],
])('an untouched directory that %s is looked at once, not path by path', async (_, prepare) => {
  prepare()
  expect(await guard().check(two, ['new'])).toEqual(two)
  expect(looked).toEqual(['new'])
})

test('as soon as something is in it, every path is looked at', async () => {
  mkdirSync(join(root, 'new'))
  writeFileSync(join(root, 'new/1'), 'x')
  expect(await guard(['new/1']).check(two, ['new'])).toEqual([two[1]])
  expect(looked).toEqual(['new/1', 'new/2'])
})

test('a row that has come meanwhile counts, also in an empty directory', async () => {
  rows.set('new/1', { ...item('new/1').entry, seq: 1, vector: { 'b.1': 1 } as unknown as Row['vector'], stat })
  expect(await guard().check(two, ['new'])).toEqual([two[1]])
})
