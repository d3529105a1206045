import { hash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import type { FetchItem } from '@spansync/common/core/agent/events'
import type { Entry, NodeId, RelativePath, Row, StatSignature } from '@spansync/common/core/causal/types'
import { fetchItem, file } from '@spansync/common/testing/entries'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { createDiskWorker, type DiskWorker } from '../../disk/disk-worker.ts'
import { makeTestFolder, type TestFolder } from '../../disk/testing/test-folder.ts'
import { StagingRoots } from './staging-roots.ts'

const peer = 'ab'.repeat(32) as NodeId
const mtimeUs = 1_700_000_000_000_000
const large = 'x'.repeat(64 << 10)

let disk: DiskWorker
let folder: TestFolder
let spared: Map<string, string>
let roots: StagingRoots

beforeAll(() => {
  disk = createDiskWorker()
})
afterAll(() => disk[Symbol.asyncDispose]())

beforeEach(() => {
  folder = makeTestFolder()
  spared = new Map()
  roots = new StagingRoots({
    root: folder.root,
    disk,
    keptPlace: (path) => ({ directory: `${folder.base}/versions`, atMs: 0, path }),
    expectedAt: ({ local }) => (local?.stat as StatSignature | undefined) ?? null,
    spare: async ({ hash: sum }, from) => void spared.set(sum, readFileSync(from, 'utf8')),
  })
})
afterEach(() => folder[Symbol.dispose]())

const sumOf = (content: string): string => hash('sha256', content)

/** The folder has `here` at the path, by its index; the peer's version is `there`. */
function replacing(path: RelativePath, here: string, there: string, more: Partial<Entry> = {}): FetchItem {
  folder.write(path, here)
  const local = { ...file(path, sumOf(here), { a: 1 }, { size: here.length }), seq: 1, stat: folder.signature(path) }
  const entry = file(path, sumOf(there), { a: 2 }, { size: there.length, mtimeUs, ...more })
  return { ...fetchItem(entry), local: local as Row }
}

/** What Unison does in its root. */
function bring(path: RelativePath, content: string): void {
  const staged = join(roots.of(peer), path)
  mkdirSync(dirname(staged), { recursive: true })
  writeFileSync(`${staged}.new`, content)
  renameSync(`${staged}.new`, staged)
}

function keptVersions(): string[] {
  const found = readdirSync(join(folder.base, 'versions'), { recursive: true, withFileTypes: true })
  return found.filter((one) => one.isFile()).map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'utf8'))
}

it('puts in place what came, with its mode and time, and keeps what was there', async () => {
  const item = replacing('d/a', 'old', 'new', { mode: 0o755 })
  const staged = await roots.prepare(peer, [item])
  expect([...staged.keys()]).toEqual([item])
  bring('d/a', 'new')
  const { landed } = await roots.land(peer, staged)
  expect(landed.get('d/a')).toMatchObject({ kind: 'file', hash: sumOf('new'), mtimeUs, mode: 0o755 })
  expect(readFileSync(folder.at('d/a'), 'utf8')).toBe('new')
  expect(keptVersions()).toEqual(['old'])
  expect(existsSync(join(roots.of(peer), 'd/a'))).toBe(false)
})

it('leaves what somebody renamed over the file while the session ran', async () => {
  const item = replacing('a', large, 'new')
  const staged = await roots.prepare(peer, [item])
  folder.write('saved', 'mine')
  renameSync(folder.at('saved'), folder.at('a'))
  bring('a', 'new')
  expect((await roots.land(peer, staged)).landed.size).toBe(0)
  expect(readFileSync(folder.at('a'), 'utf8')).toBe('mine')
  expect([...spared]).toEqual([[sumOf('new'), 'new']])
})

it('lets nothing into the folder that was not asked for, and spares it', async () => {
  const item = replacing('a', 'old', 'new')
  const staged = await roots.prepare(peer, [item])
  bring('a', 'newer')
  expect((await roots.land(peer, staged)).landed.size).toBe(0)
  expect(readFileSync(folder.at('a'), 'utf8')).toBe('old')
  expect([...spared]).toEqual([[sumOf('newer'), 'newer']])
})

it('gives Unison the old content of a large file, and puts nothing in place when that is all there is', async () => {
  const item = replacing('a', large, 'new')
  const staged = await roots.prepare(peer, [item])
  expect(readFileSync(join(roots.of(peer), 'a'), 'utf8')).toBe(large)
  expect((await roots.land(peer, staged)).landed.size).toBe(0)
  expect([readFileSync(folder.at('a'), 'utf8'), spared.size]).toEqual([large, 0])
})

it('puts a link where a file was', async () => {
  const item = replacing('a', 'old', 'target', { kind: 'symlink', mode: 0 })
  const staged = await roots.prepare(peer, [item])
  symlinkSync('target', join(roots.of(peer), 'a'))
  expect((await roots.land(peer, staged)).landed.get('a')).toMatchObject({ kind: 'symlink', hash: sumOf('target') })
  expect(readlinkSync(folder.at('a'))).toBe('target')
})

it('leaves alone what somebody has created while the session ran', async () => {
  const item = fetchItem(file('a', sumOf('new'), { a: 1 }, { size: 3, mtimeUs }))
  const staged = await roots.prepare(peer, [item])
  bring('a', 'new')
  folder.write('a', 'mine')
  expect((await roots.land(peer, staged)).landed.size).toBe(0)
  expect(readFileSync(folder.at('a'), 'utf8')).toBe('mine')
})

it('leaves to a session in the folder what is too deep', async () => {
  const deep = replacing(`${Array.from({ length: 15 }, () => 'd'.repeat(250)).join('/')}/a`, 'old', 'new')
  expect(await roots.prepare(peer, [deep])).toEqual(new Map())
})

it('takes a file where a directory was before, and the other way round', async () => {
  await roots.prepare(peer, [replacing('d/e', 'old', 'new')])
  bring('d/e', 'left by a run that was killed')
  const item = replacing('x', 'old', 'new')
  const asFile = { ...item, entry: { ...item.entry, path: 'd' }, local: { ...(item.local as Row), path: 'd' } }
  await roots.prepare(peer, [asFile])
  bring('d', 'new')
  await roots.prepare(peer, [replacing('d/e', 'old', 'new')])
  bring('d/e', 'new')
  expect(readFileSync(join(roots.of(peer), 'd/e'), 'utf8')).toBe('new')
})

it('keeps of an earlier life only what Unison can go on with', async () => {
  await roots.prepare(peer, [replacing('d/a', 'old', 'new'), replacing('e/b', 'old', 'new')])
  const unfinished = `d/.unison.a.${'0'.repeat(32)}.unison.tmp`
  bring(unfinished, 'half')
  bring('d/a', 'whole, and perhaps of another version')
  bring('e/b', 'too')
  await roots.start()
  const left = ['d/a', unfinished, 'e'].map((path) => existsSync(join(roots.of(peer), path)))
  expect(left).toEqual([false, true, false])
})

it('puts a large file in place, although its second name has moved the ctime of what was there', async () => {
  const item = replacing('a', large, 'new')
  const before = folder.signature('a')
  const staged = await roots.prepare(peer, [item])
  expect(roots.undisturbed(staged)).toEqual(['a'])
  bring('a', 'new')
  expect((await roots.land(peer, staged)).landed.get('a')).toMatchObject({ hash: sumOf('new') })
  expect(folder.signature('a').inode).not.toBe(before.inode)
})

it('sees what has changed, and leaves it alone', async () => {
  const [one, other] = [replacing('a', large, 'new'), replacing('b', 'old', 'new')]
  const staged = await roots.prepare(peer, [one, other])
  folder.write('b', 'mine')
  expect(roots.undisturbed(staged)).toEqual(['a'])
  expect(roots.undisturbed(staged, ['b'])).toEqual([])
})

it('makes nothing where the folder is not', async () => {
  const item = replacing('a', 'old', 'new')
  rmSync(join(folder.root, '.spansync'), { recursive: true })
  expect(await roots.prepare(peer, [item])).toEqual(new Map())
  expect(existsSync(join(folder.root, '.spansync'))).toBe(false)
})

it('says nothing has come when its root has gone, but not when the folder has', async () => {
  const staged = await roots.prepare(peer, [replacing('a', 'old', 'new')])
  rmSync(roots.of(peer), { recursive: true })
  expect((await roots.land(peer, staged)).landed.size).toBe(0)
  rmSync(join(folder.root, '.spansync'), { recursive: true })
  await expect(roots.land(peer, staged)).rejects.toMatchObject({ code: 'marker_gone' })
})

it('does not take the file that is here for one that has come, even when somebody edits it meanwhile', async () => {
  const item = replacing('a', large, 'new')
  const staged = await roots.prepare(peer, [item])
  writeFileSync(folder.at('a'), 'edited in place')
  expect((await roots.land(peer, staged)).landed.size).toBe(0)
  expect([readFileSync(folder.at('a'), 'utf8'), spared.size, folder.stats('a').nlink]).toEqual([
    'edited in place',
    0,
    1,
  ])
})

it('says why it cannot be put in place, and leaves what is there', async () => {
  const item = replacing('a', 'old', 'new')
  const staged = await roots.prepare(peer, [item])
  bring('a', 'new')
  // The kept versions cannot be written.
  symlinkSync('versions', join(folder.base, 'versions'))
  const { landed, problem } = await roots.land(peer, staged)
  expect([landed.size, readFileSync(folder.at('a'), 'utf8')]).toEqual([0, 'old'])
  expect(problem).toMatch(/ELOOP|symbolic links/)
})

it('neither removes nor makes anything through a link that has come', async () => {
  const outside = join(folder.base, 'outside')
  mkdirSync(outside)
  writeFileSync(join(outside, 'e'), 'not ours')
  const item = replacing('d/e', 'old', 'new')
  const staged = await roots.prepare(peer, [item])
  rmSync(join(roots.of(peer), 'd'), { recursive: true })
  symlinkSync(outside, join(roots.of(peer), 'd'))
  expect((await roots.land(peer, staged)).landed.size).toBe(0)
  await roots.prepare(peer, [item])
  bring('d/e', 'new')
  expect(readFileSync(join(outside, 'e'), 'utf8')).toBe('not ours')
})
