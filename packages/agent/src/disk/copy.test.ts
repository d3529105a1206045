import { createHash } from 'node:crypto'
import {
  appendFileSync,
  chmodSync,
  existsSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { keptFile } from './kept-place.ts'
import { observe } from './observe.ts'
import { perform } from './perform.ts'

import type { Task, TaskResult } from './tasks.ts'
import { makeTestFolder, type TestFolder } from './testing/test-folder.ts'

let folder: TestFolder
beforeEach(() => {
  folder = makeTestFolder()
})
afterEach(() => folder[Symbol.dispose]())

const doTask = (task: Task): TaskResult => perform(folder.root, [task], [])[0] as TaskResult
const read = (path: string): string => readFileSync(folder.at(path), 'utf8')
const sha256 = (content: string): string => createHash('sha256').update(content).digest('hex')
const mtimeUs = 1_600_000_000_654_321

/** The answer is what a new look at the path says. */
function expectSeen(result: TaskResult, path: string): void {
  const [seen] = observe(folder.root, [{ path }]).observations
  expect(result).toEqual({ code: 'done', disk: seen !== undefined && 'disk' in seen ? seen.disk : 'nothing' })
}

describe('adopt', () => {
  const adopt = (more: object = {}): Task => ({
    op: 'adopt',
    file: folder.at('.spansync/ready'),
    to: 'b',
    toExpect: null,
    mode: 0o640,
    mtimeUs,
    hash: sha256('content'),
    ...more,
  })

  it('puts a file in place that lies ready', () => {
    folder.write('.spansync/ready', 'content')
    expectSeen(doTask(adopt()), 'b')
    expect(read('b')).toBe('content')
    expect(existsSync(folder.at('.spansync/ready'))).toBe(false)
  })

  it('keeps what it overwrites, and overwrites no edit', () => {
    folder.write('.spansync/ready', 'content')
    folder.write('b', 'before')
    const toExpect = folder.signature('b')
    appendFileSync(folder.at('b'), ' and edited')
    expect(doTask(adopt({ toExpect }))).toMatchObject({ code: 'changed' })
    expect(doTask(adopt())).toMatchObject({ code: 'changed' })
    const keepIn = { directory: join(folder.base, 'versions'), atMs: 0, path: 'b' }
    expect(doTask(adopt({ toExpect: folder.signature('b'), keepIn }))).toMatchObject({ code: 'done' })
    expect([read('b'), readFileSync(keptFile(keepIn), 'utf8')]).toEqual(['content', 'before and edited'])
  })
})

describe('restore', () => {
  const restore = (more: object = {}): Task => ({
    op: 'restore',
    file: join(folder.base, 'kept'),
    to: 'b',
    toExpect: null,
    ...more,
  })

  it('brings a version back as of now, and keeps what it replaces', () => {
    writeFileSync(join(folder.base, 'kept'), 'before', { mode: 0o640 })
    utimesSync(join(folder.base, 'kept'), 1, 1)
    folder.write('b', 'after')
    expect(doTask(restore())).toMatchObject({ code: 'changed' })
    const keepIn = { directory: join(folder.base, 'versions'), atMs: 0, path: 'b' }
    const restored = doTask(restore({ toExpect: folder.signature('b'), keepIn }))
    expectSeen(restored, 'b')
    expect([read('b'), readFileSync(keptFile(keepIn), 'utf8')]).toEqual(['before', 'after'])
    expect(folder.stats('b').mode & 0o777).toBe(0o640)
    expect(folder.stats('b').mtimeMs).toBeGreaterThan(Date.now() - 60_000)
    expect(existsSync(join(folder.base, 'kept'))).toBe(true)
  })

  it('brings a link back, with the time that is asked for, and only a file or a link', () => {
    symlinkSync('target', join(folder.base, 'kept'))
    expect(doTask(restore({ mtimeUs }))).toMatchObject({ code: 'done', disk: { kind: 'symlink', mtimeUs } })
    expect(readlinkSync(folder.at('b'))).toBe('target')
    expect(doTask(restore({ file: folder.root, to: 'c' }))).toMatchObject({ code: 'gone' })
    expect(doTask(restore({ file: join(folder.base, 'none'), to: 'c' }))).toMatchObject({ code: 'gone' })
  })
})

describe('copy', () => {
  const copy = (more: object = {}): Task => ({
    op: 'copy',
    from: 'a',
    fromExpect: folder.signature('a'),
    to: 'b',
    toExpect: null,
    mode: 0o640,
    mtimeUs,
    hash: sha256('content'),
    ...more,
  })

  it('keeps what it overwrites', () => {
    folder.write('a', 'content')
    folder.write('b', 'before')
    const keepIn = { directory: join(folder.base, 'versions'), atMs: 0, path: 'b' }
    expect(doTask(copy({ toExpect: folder.signature('b'), keepIn }))).toMatchObject({ code: 'done' })
    expect(readFileSync(keptFile(keepIn), 'utf8')).toBe('before')
  })

  it('makes a new file', () => {
    folder.write('a', 'content')
    expectSeen(doTask(copy()), 'b')
    expect(read('b')).toBe('content')
    expect(folder.stats('b').mode & 0o777).toBe(0o640)
    expect(Math.round(folder.stats('b').mtimeMs * 1000)).toBe(mtimeUs)
    expect(folder.stats('b').nlink).toBe(1)
    expect(folder.names()).toEqual(['a', 'b'])
  })

  it('replaces what is expected and nothing else', () => {
    folder.write('a', 'content')
    folder.write('b', 'old')
    expect(doTask(copy())).toMatchObject({ code: 'changed' })
    const old = folder.signature('b')
    appendFileSync(folder.at('b'), '!')
    expect(doTask(copy({ toExpect: old }))).toMatchObject({ code: 'changed' })
    expect(read('b')).toBe('old!')
    expectSeen(doTask(copy({ toExpect: folder.signature('b') })), 'b')
    expect(read('b')).toBe('content')
    expect(folder.names()).toEqual(['a', 'b'])
  })

  it('refuses an original that is not as expected', () => {
    folder.write('a', 'content')
    expect(doTask(copy({ hash: sha256('other') }))).toMatchObject({ code: 'changed' })
    const task = copy()
    appendFileSync(folder.at('a'), '!')
    expect(doTask(task)).toMatchObject({ code: 'changed' })
    rmSync(folder.at('a'))
    expect(doTask(task)).toMatchObject({ code: 'gone' })
    expect(folder.names()).toEqual([])
  })

  it('copies large files and names of the greatest length', () => {
    const content = 'x'.repeat(3 << 20)
    const long = 'é'.repeat(127)
    folder.write('a', content)
    expectSeen(doTask(copy({ to: long, hash: sha256(content) })), long)
  })

  it('says when the name is not possible', () => {
    folder.write('a', 'content')
    expect(doTask(copy({ to: 'n'.repeat(300) }))).toMatchObject({ code: 'name_not_possible' })
  })
})

describe('keep', () => {
  it('copies a file with its permissions and time', () => {
    folder.write('a', 'mine')
    chmodSync(folder.at('a'), 0o700)
    expectSeen(doTask({ op: 'keep', path: 'a', expect: folder.signature('a'), to: 'a (conflict)' }), 'a (conflict)')
    expect(read('a (conflict)')).toBe('mine')
    expect(folder.stats('a (conflict)').mtimeMs).toBeCloseTo(folder.stats('a').mtimeMs, 2)
    appendFileSync(folder.at('a'), '!')
    expect(read('a (conflict)')).toBe('mine')
  })

  it('never overwrites', () => {
    folder.write('a', 'mine')
    folder.write('b', 'theirs')
    expect(doTask({ op: 'keep', path: 'a', expect: folder.signature('a'), to: 'b' })).toMatchObject({ code: 'changed' })
    expect(read('b')).toBe('theirs')
  })

  it('keeps links as links', () => {
    folder.link('l', 'somewhere')
    expectSeen(doTask({ op: 'keep', path: 'l', expect: folder.signature('l'), to: 'l2' }), 'l2')
    expect(readlinkSync(folder.at('l2'))).toBe('somewhere')
  })
})
