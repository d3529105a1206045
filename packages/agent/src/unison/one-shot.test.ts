import { randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { FakeClock } from '@spansync/common/runtime/fake-clock'
import { describe, expect, test } from 'vitest'
import { forgetPair, pairMemory } from './locks.ts'
import { TestPair, tree, until, write } from './testing/test-pair.ts'

const force = (winner: 'local' | 'remote') => ({ way: { kind: 'force', winner } as const })

const isTransferring = async (root: string) => (await readdir(root)).some((name) => name.startsWith('.unison.'))

describe('runOneShot', () => {
  test('brings new files both ways, by path, and nothing else', async () => {
    await using pair = await TestPair.create()
    await write(pair.a, 'd/from-a', '1')
    await write(pair.b, 'from-b', '2')
    await write(pair.a, 'not-asked', '3')
    const result = await pair.run({ paths: ['d', 'from-b'] })
    expect(result).toMatchObject({ exit: 0, outcome: 'done', cured: [] })
    expect(result.sentBytes).toBeGreaterThan(1000)
    expect(result.receivedBytes).toBeGreaterThan(500)
    expect(await tree(pair.b)).toMatchObject({ 'd/from-a': '644 1', 'from-b': '644 2' })
    expect(await tree(pair.b)).not.toHaveProperty('not-asked')
    expect(await tree(pair.a)).toHaveProperty('from-b')
    expect(await pair.served[0]).toMatchObject({ exit: 0 })
  })

  test.each(['local', 'remote'] as const)(
    'dictated for %s: the loser keeps its version in its own place',
    async (winner) => {
      await using pair = await TestPair.create()
      await write(pair.a, 'd/f', 'of a')
      await write(pair.b, 'd/f', 'of b')
      await write(pair.a, 'only-a', 'x')
      expect(await pair.run({ paths: ['d/f', 'only-a'], ...force(winner) })).toMatchObject({ outcome: 'done' })
      expect(await tree(pair.a)).toEqual(await tree(pair.b))
      const [won, lost] = winner === 'local' ? (['a', 'b'] as const) : (['b', 'a'] as const)
      expect(await readFile(join(pair[lost], 'd/f'), 'utf8')).toBe(`of ${won}`)
      expect(await readFile(join(pair.backupDir(lost), 'd/f'), 'utf8')).toBe(`of ${lost}`)
      expect(await readdir(pair.backupDir(won))).toEqual([])
    },
  )

  test('plain: refuses a conflict, records equal contents silently', async () => {
    await using pair = await TestPair.create()
    for (const root of [pair.a, pair.b]) {
      await write(root, 'equal', 'same')
      await utimes(join(root, 'equal'), 1000, 1000)
    }
    await write(pair.a, 'conflict', 'a')
    await write(pair.b, 'conflict', 'b!')
    expect(await pair.run({ paths: ['equal'] })).toMatchObject({ exit: 0, outcome: 'done' })
    expect(await pair.run({ paths: ['conflict'] })).toMatchObject({ exit: 1, outcome: 'skipped' })
    await write(pair.a, 'equal', 'same no more')
    expect(await pair.run({ paths: ['equal'] })).toMatchObject({ outcome: 'done' })
    expect(await readFile(join(pair.b, 'equal'), 'utf8')).toBe('same no more')
  })

  test('names that are hard to name', async () => {
    await using pair = await TestPair.create()
    const names = [
      ' a ',
      '-dash',
      'new\nline',
      'ünï 日本',
      '100%25',
      '\'"`$(x)',
      'back\\slash',
      'a*b',
      '?',
      '[x]',
      '.hidden',
      'cr\r',
      '~',
      '{b}',
      'n'.repeat(250),
    ]
    for (const name of names) await write(pair.a, `dir/${name}`, name)
    await mkdir(join(pair.b, 'dir'))
    expect(await pair.run({ paths: names.map((name) => `dir/${name}`) })).toMatchObject({ outcome: 'done' })
    expect(await tree(pair.b)).toEqual(await tree(pair.a))
  })

  test.each(['', 'a+b (c)/'])('a file named * in %j does not stand for its neighbours', async (directory) => {
    await using pair = await TestPair.create()
    for (const root of [pair.a, pair.b]) await write(root, `${directory}neighbour`, root)
    await write(pair.a, `${directory}*`, 'star')
    const before = await readFile(join(pair.b, `${directory}neighbour`), 'utf8')
    expect(await pair.run({ paths: [`${directory}*`], ...force('local') })).toMatchObject({ outcome: 'done' })
    expect(await readFile(join(pair.b, `${directory}*`), 'utf8')).toBe('star')
    expect(await readFile(join(pair.b, `${directory}neighbour`), 'utf8')).toBe(before)
  })

  test('kinds: links, the x bit, a file that becomes a directory', async () => {
    await using pair = await TestPair.create()
    for (const root of [pair.a, pair.b]) await write(root, 'kind', 'file')
    await rm(join(pair.a, 'kind'))
    await write(pair.a, 'kind/inside', 'x')
    await symlink('/nowhere', join(pair.a, 'link'))
    await write(pair.a, 'run', '#!/bin/sh', 0o755)
    expect(await pair.run({ paths: ['kind', 'link', 'run'], ...force('local') })).toMatchObject({ outcome: 'done' })
    expect(await tree(pair.b)).toEqual(await tree(pair.a))
  })

  test('what is ignored stays here', async () => {
    await using pair = await TestPair.create()
    await write(pair.a, 'd/keep.tmp', 'x')
    await write(pair.a, 'd/go', 'x')
    await pair.run({ paths: ['d'], ignore: ['Regex (.*/)?[^/]*\\.tmp'] })
    expect(Object.keys(await tree(pair.b))).toEqual(['d', 'd/go'])
  })

  test('many names of a wide directory, and nothing else in it', async () => {
    await using pair = await TestPair.create()
    for (const root of [pair.a, pair.b]) {
      for (let at = 0; at < 1500; at++) await write(root, `d/old-${at}`, '')
      await write(root, 'd/not-asked', root)
    }
    const paths = Array.from({ length: 100 }, (_, at) => `d/new.(${at})\n+`)
    for (const path of paths) await write(pair.a, path, path)
    expect(await pair.run({ paths, ...force('local') })).toMatchObject({ outcome: 'done' })
    for (const path of paths) expect(await readFile(join(pair.b, path), 'utf8')).toBe(path)
    expect(await readFile(join(pair.b, 'd/not-asked'), 'utf8')).toBe(pair.b)
  })

  test('more paths than one command line holds', async () => {
    await using pair = await TestPair.create()
    const long = 'x'.repeat(120)
    const paths = Array.from({ length: 1200 }, (_, at) => `d${at % 40}/${long}-${at}`)
    for (const path of paths) await write(pair.a, path, path)
    expect(await pair.run({ paths })).toMatchObject({ outcome: 'done' })
    expect(pair.served.length).toBeGreaterThan(1)
    expect(await tree(pair.b)).toEqual(await tree(pair.a))
  })

  test('goes no further when the ground for what is left has changed', async () => {
    await using pair = await TestPair.create()
    const long = 'x'.repeat(120)
    const paths = Array.from({ length: 1200 }, (_, at) => `${long}-${at}`)
    for (const path of paths) await write(pair.a, path, path)
    const asked: number[] = []
    const mayGoOn = async (some: readonly string[]): Promise<boolean> => asked.push(some.length) === 1
    const result = await pair.run({ paths, mayGoOn })
    expect(result).toMatchObject({ outcome: 'failed', reason: 'destination_changed' })
    expect(asked).toHaveLength(2)
    expect(await readdir(pair.b)).toHaveLength((asked[0] ?? 0) + 1)
  })

  test('a change that size and time do not show is found by reading', async () => {
    await using pair = await TestPair.create()
    await write(pair.a, 'f', 'one')
    await utimes(join(pair.a, 'f'), 1000, 1000)
    await pair.run({ paths: ['f'] })
    await writeFile(join(pair.a, 'f'), 'two')
    await utimes(join(pair.a, 'f'), 1000, 1000)
    await pair.run({ paths: ['f'] })
    expect(await readFile(join(pair.b, 'f'), 'utf8')).toBe('one')
    await pair.run({ paths: ['f'], rescan: true })
    expect(await readFile(join(pair.b, 'f'), 'utf8')).toBe('two')
  })
})

describe('what can go wrong', () => {
  test('the sentinel is gone: nothing is done', async () => {
    await using pair = await TestPair.create()
    await write(pair.a, 'f', 'x')
    await rename(join(pair.b, '.spansync'), join(pair.b, 'away'))
    expect(await pair.run({ paths: ['f'] })).toMatchObject({ exit: 3, outcome: 'fatal', reason: 'marker_missing' })
    expect(await tree(pair.b)).not.toHaveProperty('f')
  })

  test('the root of the serving side is gone', async () => {
    await using pair = await TestPair.create()
    await rm(pair.b, { recursive: true })
    expect(await pair.run({ paths: ['f'] })).toMatchObject({ outcome: 'fatal', reason: 'connection_lost' })
    expect((await pair.served[0])?.outputTail).toContain('changing working directory')
  })

  test('a lock that a killed run left is passed over', async () => {
    await using pair = await TestPair.create()
    await write(pair.a, 'f', '1')
    await pair.run({ paths: ['f'] })
    const memory = await pairMemory(pair.unisonDir('b'))
    await writeFile(join(pair.unisonDir('b'), `lk${memory?.hash}`), '')
    await write(pair.a, 'f', '22')
    expect(await pair.run({ paths: ['f'] })).toMatchObject({ exit: 0, outcome: 'done', cured: ['locked'] })
    expect(await readFile(join(pair.b, 'f'), 'utf8')).toBe('22')
    expect((await readdir(pair.unisonDir('b'))).filter((name) => name.startsWith('lk'))).toEqual([])
  })

  const damages: readonly [string, (unisonDir: string, hash: string) => Promise<unknown>][] = [
    ['lost', (unisonDir) => forgetPair(unisonDir)],
    ['damaged', (unisonDir, hash) => writeFile(join(unisonDir, `ar${hash}`), 'short')],
  ]
  test.each(damages)('an archive %s on one side: reported when plain, begun anew when dictated', async (_, damage) => {
    await using pair = await TestPair.create()
    await write(pair.a, 'f', '1')
    await pair.run({ paths: ['f'] })
    await damage(pair.unisonDir('b'), (await pairMemory(pair.unisonDir('b')))?.hash ?? '')
    await write(pair.a, 'f', '22')
    expect(await pair.run({ paths: ['f'] })).toMatchObject({ exit: 3, outcome: 'archive_lost', cured: [] })
    expect(await pair.run({ paths: ['f'], ...force('local') })).toMatchObject({
      outcome: 'done',
      cured: ['archive_lost'],
    })
    expect(await readFile(join(pair.b, 'f'), 'utf8')).toBe('22')
    await write(pair.b, 'f', '333')
    expect(await pair.run({ paths: ['f'] })).toMatchObject({ outcome: 'done', cured: [] })
    expect(await readFile(join(pair.a, 'f'), 'utf8')).toBe('333')
  })

  test('forgotten on both sides: starts anew', async () => {
    await using pair = await TestPair.create()
    await write(pair.a, 'f', '1')
    await pair.run({ paths: ['f'] })
    for (const side of ['a', 'b'] as const) await forgetPair(pair.unisonDir(side))
    expect(await pairMemory(pair.unisonDir('a'))).toBeUndefined()
    expect(await pair.run({ paths: ['f'] })).toMatchObject({ outcome: 'done', cured: [] })
    expect((await pairMemory(pair.unisonDir('a')))?.archiveBytes).toBeGreaterThan(0)
  })

  test('the peer cannot be reached', async () => {
    await using pair = await TestPair.create()
    const connect = () => Promise.reject(new Error('no way there'))
    await expect(pair.run({ paths: ['f'], connect })).rejects.toThrow('no way there')
  })

  test('a peer that says nothing: the watchdog ends it', async () => {
    await using pair = await TestPair.create()
    const clock = new FakeClock()
    const silent = new PassThrough()
    let connected = false
    const connect = async () => {
      connected = true
      return silent
    }
    const running = pair.run({ paths: ['f'], connect, clock, watchdogMs: 30_000 })
    await until(() => connected, 'the run has begun')
    await clock.whenSleeping()
    await clock.advance(29_000)
    await clock.advance(2_000)
    expect(await running).toMatchObject({ exit: null, outcome: 'stalled' })
  })

  test('aborted: both processes end', async () => {
    await using pair = await TestPair.create()
    await write(pair.a, 'big', randomBytes(128 << 20))
    const abort = new AbortController()
    const running = pair.run({ paths: ['big'], signal: abort.signal })
    await until(() => isTransferring(pair.b), 'the transfer has begun')
    abort.abort(new Error('enough'))
    await expect(running).rejects.toThrow('enough')
    await pair.served[0]
  })

  test('the stream breaks in the middle: the next run does it', async () => {
    await using pair = await TestPair.create()
    const content = randomBytes(128 << 20)
    await write(pair.a, 'big', content)
    const stream = pair.connect()
    const running = pair.run({ paths: ['big'], connect: async () => stream })
    await until(() => isTransferring(pair.b), 'the transfer has begun')
    stream.destroy()
    expect(await running).toMatchObject({ exit: 3, outcome: 'fatal', reason: 'connection_lost' })
    expect((await pair.run({ paths: ['big'] })).outcome).toBe('done')
    expect((await readFile(join(pair.b, 'big'))).equals(content)).toBe(true)
  })
})
