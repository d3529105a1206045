import { createHash } from 'node:crypto'
import {
  appendFileSync,
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type KeptPlace, keptFile } from './kept-place.ts'
import { observe } from './observe.ts'
import { perform } from './perform.ts'
import { lstat, signatureOf } from './stat.ts'
import type { Task, TaskResult } from './tasks.ts'
import { makeTestFolder, type TestFolder } from './testing/test-folder.ts'

let folder: TestFolder
let kept: string
beforeEach(() => {
  folder = makeTestFolder()
  kept = join(folder.base, 'kept')
})
afterEach(() => folder[Symbol.dispose]())

const keptAt = (path: string, atMs = 0): KeptPlace => ({ directory: kept, atMs, path })

const doTasks = (...tasks: Task[]): TaskResult[] => perform(folder.root, tasks, ['*.tmp', 'cache/'])
const doTask = (task: Task): TaskResult => doTasks(task)[0] as TaskResult
const read = (path: string): string => readFileSync(folder.at(path), 'utf8')
const sha256 = (content: string): string => createHash('sha256').update(content).digest('hex')
const mtimeUs = 1_600_000_000_654_321

/** The answer is what a new look at the path says. */
function expectSeen(result: TaskResult, path: string): void {
  const [seen] = observe(folder.root, [{ path }]).observations
  expect(result).toEqual({ code: 'done', disk: seen !== undefined && 'disk' in seen ? seen.disk : 'nothing' })
}

describe('remove', () => {
  it('removes what is expected', () => {
    folder.write('a')
    folder.link('l', 'a')
    const results = doTasks(
      { op: 'remove', path: 'l', expect: folder.signature('l') },
      { op: 'remove', path: 'a', expect: folder.signature('a') },
    )
    expect(results).toEqual([
      { code: 'done', disk: undefined },
      { code: 'done', disk: undefined },
    ])
    expect(folder.names()).toEqual([])
  })

  it('leaves an edited file alone', () => {
    folder.write('a', 'one')
    const expect1 = folder.signature('a')
    appendFileSync(folder.at('a'), ' more')
    expect(doTask({ op: 'remove', path: 'a', expect: expect1, keepIn: keptAt('a') })).toMatchObject({ code: 'changed' })
    expect(read('a')).toBe('one more')
    expect(existsSync(kept)).toBe(false)
  })

  it('keeps what it removes, under a free name', () => {
    for (const content of ['one', 'two']) {
      folder.write('d/a', content)
      const keepIn = keptAt('deep/a')
      expect(doTask({ op: 'remove', path: 'd/a', expect: folder.signature('d/a'), keepIn })).toMatchObject({
        code: 'done',
      })
    }
    expect(readFileSync(keptFile(keptAt('deep/a')), 'utf8')).toBe('one')
    expect(readFileSync(keptFile(keptAt('deep/a', 1)), 'utf8')).toBe('two')
  })

  it('keeps a file where another one had to be a directory in the same moment', () => {
    for (const path of ['a', 'a/b']) {
      folder.write(path, path)
      const task = { op: 'remove', path, expect: folder.signature(path), keepIn: keptAt(path) } as const
      expect(doTask(task)).toMatchObject({ code: 'done' })
    }
    expect(readFileSync(keptFile(keptAt('a')), 'utf8')).toBe('a')
    expect(readFileSync(keptFile(keptAt('a/b', 1)), 'utf8')).toBe('a/b')
  })

  it.skipIf(!existsSync('/dev/shm'))('keeps on another disk too', () => {
    const elsewhere = `/dev/shm/spansync-test-${process.pid}`
    try {
      folder.write('a', 'one')
      const task = {
        op: 'remove',
        path: 'a',
        expect: folder.signature('a'),
        keepIn: { ...keptAt('x/a'), directory: elsewhere },
      } as const
      expect(doTask(task)).toMatchObject({ code: 'done' })
      expect(readFileSync(keptFile({ ...keptAt('x/a'), directory: elsewhere }), 'utf8')).toBe('one')
      expect(folder.names()).toEqual([])
    } finally {
      rmSync(elsewhere, { recursive: true, force: true })
    }
  })

  it('puts the file back when it cannot be kept', () => {
    folder.write('a', 'one')
    writeFileSync(kept, 'a file where a directory is needed')
    const result = doTask({ op: 'remove', path: 'a', expect: folder.signature('a'), keepIn: keptAt('a') })
    expect(result.code).not.toBe('done')
    expect(read('a')).toBe('one')
    expect(folder.names()).toEqual(['a'])
  })

  it('says when nothing is there', () => {
    folder.write('a')
    const expected = folder.signature('a')
    rmSync(folder.at('a'))
    expect(doTask({ op: 'remove', path: 'a', expect: expected })).toMatchObject({ code: 'gone' })
    expect(doTask({ op: 'remove', path: 'none/a', expect: expected })).toMatchObject({ code: 'gone' })
  })
})

describe('rmdir', () => {
  it('removes an empty directory only', () => {
    mkdirSync(folder.at('d'))
    folder.write('full/f')
    expect(
      doTasks(
        { op: 'rmdir', path: 'd' },
        { op: 'rmdir', path: 'full' },
        { op: 'rmdir', path: 'full/f' },
        { op: 'rmdir', path: 'x' },
      ),
    ).toMatchObject([
      { code: 'done' },
      { code: 'not_empty', message: expect.stringContaining('still holds f') },
      { code: 'changed' },
      { code: 'gone' },
    ])
    expect(folder.names()).toEqual(['full', 'full/f'])
  })

  it('moves ignored names out of the way', () => {
    folder.write('d/a.tmp', 'temporary')
    folder.write('d/cache/deep/x', 'cached')
    expect(doTask({ op: 'rmdir', path: 'd' })).toMatchObject({ code: 'not_empty' })
    expect(doTask({ op: 'rmdir', path: 'd', keepIn: keptAt('d') })).toEqual({ code: 'done', disk: undefined })
    expect(readFileSync(keptFile(keptAt('d/a.tmp')), 'utf8')).toBe('temporary')
    expect(readFileSync(keptFile(keptAt('d/cache/deep/x')), 'utf8')).toBe('cached')
  })

  it('moves nothing when something else is inside', () => {
    folder.write('d/a.tmp')
    folder.write('d/mine')
    expect(doTask({ op: 'rmdir', path: 'd', keepIn: keptAt('d') })).toMatchObject({ code: 'not_empty' })
    expect(folder.names()).toEqual(['d', 'd/a.tmp', 'd/mine'])
  })
})

describe('mkdir', () => {
  it('without a mode makes what is missing, and leaves alone what is there', () => {
    mkdirSync(folder.at('private'), { mode: 0o700 })
    for (const path of ['private', 'new']) expectSeen(doTask({ op: 'mkdir', path }), path)
    expect(['private', 'new'].map((path) => folder.stats(path).mode & 0o777)).toEqual([0o700, 0o755])
  })

  it('makes one directory with its permissions, whatever the umask', () => {
    expectSeen(doTask({ op: 'mkdir', path: 'd', mode: 0o777 }), 'd')
    expect(folder.stats('d').mode & 0o777).toBe(0o777)
    expectSeen(doTask({ op: 'mkdir', path: 'd', mode: 0o750 }), 'd')
    expect(folder.stats('d').mode & 0o777).toBe(0o750)
  })

  it('does not replace a file and makes no parents', () => {
    folder.write('f')
    expect(doTask({ op: 'mkdir', path: 'f', mode: 0o755 })).toMatchObject({ code: 'changed' })
    expect(doTask({ op: 'mkdir', path: 'x/y', mode: 0o755 })).toMatchObject({ code: 'gone' })
    expect(doTask({ op: 'mkdir', path: 'f/y', mode: 0o755 })).toMatchObject({ code: 'gone' })
  })
})

describe('chmod', () => {
  it('sets permissions and time', () => {
    folder.write('f', 'content')
    const task = { op: 'chmod', path: 'f', mode: 0o755, mtimeUs, expect: folder.signature('f') } as const
    expectSeen(doTask({ ...task, hash: sha256('content') }), 'f')
    expect(folder.stats('f').mode & 0o777).toBe(0o755)
    expect(Math.round(folder.stats('f').mtimeMs * 1000)).toBe(mtimeUs)
    expect(doTask({ ...task, mode: 0o600 })).toMatchObject({ code: 'changed' })
    expectSeen(doTask({ op: 'chmod', path: 'f', mode: 0o644 }), 'f')
  })

  it('touches a link itself, never what it points to', () => {
    folder.write('f')
    chmodSync(folder.at('f'), 0o600)
    folder.link('l', 'f')
    expectSeen(doTask({ op: 'chmod', path: 'l', mode: 0o777, mtimeUs }), 'l')
    expect(folder.stats('f').mode & 0o777).toBe(0o600)
    expect(Math.round(folder.stats('l').mtimeMs * 1000)).toBe(mtimeUs)
  })
})

describe('symlink', () => {
  it('makes a link where nothing is', () => {
    expectSeen(doTask({ op: 'symlink', path: 'l', target: 'some where/é' }), 'l')
    expect(doTask({ op: 'symlink', path: 'l', target: 'other' })).toMatchObject({ code: 'changed' })
    expect(readlinkSync(folder.at('l'))).toBe('some where/é')
  })

  it('replaces what is expected', () => {
    folder.write('f')
    const before = folder.signature('f')
    expectSeen(doTask({ op: 'symlink', path: 'f', target: 'x', expect: before }), 'f')
    expect(doTask({ op: 'symlink', path: 'f', target: 'y', expect: before })).toMatchObject({ code: 'changed' })
    expect(folder.names()).toEqual(['f'])
  })
})

describe('perform', () => {
  it('never leaves the folder', () => {
    const outside = join(folder.base, 'outside')
    mkdirSync(outside)
    writeFileSync(join(outside, 'f'), 'theirs')
    symlinkSync(outside, folder.at('way'))
    const stats = lstat(join(outside, 'f'))
    if (stats === undefined) throw new Error('no file')
    const before = signatureOf(stats)
    folder.write('a', 'mine')
    const tasks: Task[] = [
      { op: 'remove', path: 'way/f', expect: before },
      { op: 'remove', path: '../outside/f', expect: before },
      { op: 'mkdir', path: 'way/new', mode: 0o755 },
      { op: 'rmdir', path: '.spansync' },
      { op: 'chmod', path: 'way/f', mode: 0o777 },
      { op: 'symlink', path: 'way/l', target: 'x' },
      { op: 'keep', path: 'a', expect: folder.signature('a'), to: 'way/a' },
      { op: 'keep', path: 'way/f', expect: before, to: 'f' },
      { op: 'keep', path: 'a', expect: folder.signature('a'), to: '../outside/a' },
    ]
    expect(doTasks(...tasks).map(({ code }) => code)).toEqual(tasks.map(() => 'failed'))
    expect(readdirSync(outside)).toEqual(['f'])
  })

  it('does nothing without the marker', () => {
    folder.write('a')
    const task: Task = { op: 'remove', path: 'a', expect: folder.signature('a') }
    rmSync(folder.at('.spansync'), { recursive: true })
    expect(() => doTask(task)).toThrow(expect.objectContaining({ code: 'marker_gone' }))
    expect(existsSync(folder.at('a'))).toBe(true)
  })

  it('works with a file that has two names', () => {
    folder.write('a', 'both')
    linkSync(folder.at('a'), folder.at('b'))
    expect(doTask({ op: 'remove', path: 'a', expect: folder.signature('a') })).toMatchObject({ code: 'done' })
    expect(read('b')).toBe('both')
  })

  it('does all of many tasks and answers in their order', () => {
    folder.write('a', 'x')
    const tasks = ['d', 'd/e', 'a', 'f'].map((path): Task => ({ op: 'mkdir', path, mode: 0o755 }))
    expect(doTasks(...tasks).map(({ code }) => code)).toEqual(['done', 'done', 'changed', 'done'])
  })
})
