import { lstat, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { isOwnTemporary } from '../disk/place.ts'
import { cleanLeftovers } from './leftovers.ts'

const hash = '4e4c187e56e9b769c6d80b5134e902af'
const later = () => Date.now() + 3_600_000
let root: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'spansync-left-'))
})
afterEach(() => rm(root, { recursive: true, force: true }))

async function make(...paths: string[]): Promise<void> {
  for (const path of paths) {
    await mkdir(join(root, path, '..'), { recursive: true })
    await writeFile(join(root, path), 'x')
  }
}

test('removes files and directories that nobody touched for long, in the whole tree', async () => {
  const left = [
    `.unison.f.${hash}.unison.tmp`,
    `d/e/.unison.new\nline.${hash}.unison.tmp`,
    'd/.unison.x.1a-2b.spansync.unison.tmp',
  ]
  await make(...left, `d/.unison.dir.${hash}.unison.tmp/inside/file`, 'd/keep', '.unison.mine', 'unison.tmp')
  const { removed, kept } = await cleanLeftovers(root, { olderThanMs: 60_000, now: later() })
  expect([...removed].sort()).toEqual([...left, `d/.unison.dir.${hash}.unison.tmp`].sort())
  expect(kept).toEqual([])
  expect((await readdir(root, { recursive: true })).sort()).toEqual([
    '.unison.mine',
    'd',
    'd/e',
    'd/keep',
    'unison.tmp',
  ])
})

test('looks only where it is told', async () => {
  await make(`.unison.f.${hash}.unison.tmp`, `d/.unison.f.${hash}.unison.tmp`, `d/e/.unison.f.${hash}.unison.tmp`)
  const options = { olderThanMs: 60_000, now: later() }
  expect((await cleanLeftovers(root, { ...options, directories: ['d', 'd', 'absent'] })).removed).toEqual([
    `d/.unison.f.${hash}.unison.tmp`,
  ])
  expect((await cleanLeftovers(root, { ...options, directories: [''] })).removed).toEqual([
    `.unison.f.${hash}.unison.tmp`,
  ])
  expect(await readdir(join(root, 'd/e'))).toHaveLength(1)
})

test('leaves what is young, also when only something deep inside is', async () => {
  await make(`.unison.dir.${hash}.unison.tmp/a/b`)
  const now = Date.now() + 1000
  expect(await cleanLeftovers(root, { olderThanMs: 60_000, now })).toEqual({
    removed: [],
    kept: [`.unison.dir.${hash}.unison.tmp`],
  })
})

test('leaves what belongs to a run that is under way', async () => {
  const other = hash.replaceAll('4', '5')
  await make(`.unison.f.${hash}.unison.tmp`, `.unison.f.${other}.unison.tmp`)
  const { removed, kept } = await cleanLeftovers(root, {
    olderThanMs: 0,
    now: later(),
    isRunning: (running) => running === hash,
  })
  expect(removed).toEqual([`.unison.f.${other}.unison.tmp`])
  expect(kept).toEqual([`.unison.f.${hash}.unison.tmp`])
})

test('only what was to become certain files, and what is useless however young', async () => {
  await make(
    `d/.unison.f.${hash}.unison.tmp`,
    `d/.unison.g.${hash}.unison.tmp`,
    'd/.unison.f.1a-2b-3.spansync.unison.tmp',
  )
  const targets = new Set(['d/f'])
  expect((await cleanLeftovers(root, { olderThanMs: 0, now: later(), targets })).removed).toEqual([
    `d/.unison.f.${hash}.unison.tmp`,
  ])
  const madeBefore = async (ms: number): Promise<readonly string[]> => {
    const isUseless = (name: string, changedMs: number): boolean => isOwnTemporary(name) && changedMs < ms
    return (await cleanLeftovers(root, { olderThanMs: 60_000, now: Date.now(), isUseless })).removed
  }
  expect(await madeBefore((await lstat(join(root, 'd/.unison.f.1a-2b-3.spansync.unison.tmp'))).ctimeMs)).toEqual([])
  expect(await madeBefore(later())).toEqual(['d/.unison.f.1a-2b-3.spansync.unison.tmp'])
})

test('does not follow links, and reads names that are not UTF-8', async () => {
  await mkdir(join(root, 'real'))
  await symlink(tmpdir(), join(root, 'real', 'link'))
  const name = Buffer.concat([
    Buffer.from(`${root}/.unison.caf`),
    Buffer.from([0xe9]),
    Buffer.from(`.${hash}.unison.tmp`),
  ])
  await writeFile(name, 'x')
  expect((await cleanLeftovers(root, { olderThanMs: 0, now: later() })).removed).toHaveLength(1)
  expect(await readdir(root)).toEqual(['real'])
})
