import { createHash } from 'node:crypto'
import {
  closeSync,
  copyFileSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { replacedBy } from '@spansync/common/core/agent/brought'
import type { FetchItem } from '@spansync/common/core/agent/events'
import { isConflictCopy } from '@spansync/common/core/causal/conflict-name'
import type { NodeId, ReplicaId } from '@spansync/common/core/causal/types'
import type { Clock } from '@spansync/common/ports'
import { systemClock } from '@spansync/common/runtime/clock'
import { FakeClock } from '@spansync/common/runtime/fake-clock'
import { silentLogger } from '@spansync/common/runtime/logger'
import { fetchItem, file } from '@spansync/common/testing/entries'
import { MemoryIndex } from '@spansync/common/testing/memory-index'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createDiskWorker, type DiskWorker } from '../disk/disk-worker.ts'
import { createMarker } from '../disk/marker.ts'
import { folder } from '../disk/testing/test-folder.ts'
import { TestPair, until, write } from '../unison/testing/test-pair.ts'
import { Backups } from './backups.ts'
import { versionsOf } from './list.ts'
import { backupDirectory, findBackups } from './unison-backups.ts'

const peer = 'b' as NodeId
let pair: TestPair
let disk: DiskWorker
let backups: Backups
let directory: string
let backupDir: string
let closing: AbortController
const copied: string[] = []

beforeEach(async () => {
  pair = await TestPair.create()
  createMarker(pair.a, folder)
  disk = createDiskWorker()
  directory = pair.backupDir('a')
  backupDir = backupDirectory(directory, peer)
  copied.length = 0
  closing = new AbortController()
  backups = makeBackups()
})
afterEach(async () => {
  closing.abort()
  await disk[Symbol.asyncDispose]()
  await pair[Symbol.asyncDispose]()
})

/** As the agent makes them anew after a crash. */
function makeBackups(clock: Clock = systemClock): Backups {
  const index = new MemoryIndex('laptop.0123456789' as ReplicaId)
  const seen = { root: pair.a, index, disk, clock, signal: closing.signal, log: silentLogger }
  return new Backups({ directory, ...seen, copied: (path) => copied.push(path) })
}

/** The index holds what is on a's disk now; the peer has something newer. */
function update(path: string): FetchItem {
  const { size, mtimeMs } = lstatSync(join(pair.a, path))
  const hash = createHash('sha256')
    .update(readFileSync(join(pair.a, path)))
    .digest('hex')
  const entry = file(path, hash, { a: 1 }, { size, mtimeUs: Math.round(mtimeMs * 1000) })
  return { ...fetchItem(file(path, 'newer', { a: 1, b: 1 })), local: { ...entry, seq: 1, stat: undefined } }
}

async function kept(): Promise<string[]> {
  const found: string[] = []
  for await (const version of versionsOf(directory, ''))
    found.push(`${version.path}: ${readFileSync(version.file, 'utf8')}`)
  return found.sort()
}

/** What happens on the disk while a session of a fetch of these items runs. */
async function during(items: readonly FetchItem[], run: () => Promise<unknown>, { isOver = true } = {}): Promise<void> {
  const fetch = backups.watch(peer, items)
  await fetch.session(async () => {
    await run()
    return { result: isOver ? 'done' : 'refused', reason: '' }
  })
  fetch.end()
}

const fetched = async (...paths: string[]) =>
  await pair.run({ paths, backupDir, way: { kind: 'force', winner: 'remote' } })

const copies = async (): Promise<string[]> => (await readdir(pair.a, { recursive: true })).filter(isConflictCopy)

describe('what a dictated run overwrites', () => {
  test('is kept, each time, and is no conflict copy', async () => {
    for (const content of ['1', '22', '333']) {
      if (content === '1') await write(pair.a, 'd/f', content)
      await during([update('d/f')], async () => {
        await write(pair.b, 'd/f', `${content} of b`)
        expect(await fetched('d/f')).toMatchObject({ outcome: 'done' })
      })
    }
    expect(await kept()).toEqual(['d/f: 1', 'd/f: 1 of b', 'd/f: 22 of b'])
    expect(await findBackups(backupDir)).toEqual([])
    expect([await copies(), copied]).toEqual([[], []])
  })

  test('is kept whatever its name and length', async () => {
    const names = ['n'.repeat(255), 'f.1.earlier', '.hidden', '.dir/.hidden', ' a ', 'ünï 日本', '[x]*?', 'new\nline']
    for (const name of names) await write(pair.a, name, 'old')
    for (let turn = 0; turn < 3; turn++) {
      await during(names.map(update), async () => {
        for (const name of names) await write(pair.b, name, `new ${'x'.repeat(turn)}`)
        expect(await fetched(...names)).toMatchObject({ outcome: 'done' })
      })
    }
    const found = await kept()
    expect(found).toHaveLength(names.length * 3)
    for (const name of names) expect(found).toContain(`${name}: old`)
    expect(copied).toEqual([])
  })

  test('and that nobody had seen yet comes back as a conflict copy', async () => {
    await write(pair.a, 'd/f.txt', 'known')
    await during([update('d/f.txt')], async () => {
      await write(pair.a, 'd/f.txt', 'edited in the last instant')
      await write(pair.b, 'd/f.txt', 'of b')
      expect(await fetched('d/f.txt')).toMatchObject({ outcome: 'done' })
      expect(readFileSync(join(pair.a, 'd/f.txt'), 'utf8')).toBe('of b')
    })
    const [copy] = await copies()
    expect(copy).toMatch(/^d\/f \(conflict \d{4}-\d{2}-\d{2} laptop\)\.txt$/)
    expect(readFileSync(join(pair.a, copy as string), 'utf8')).toBe('edited in the last instant')
    expect(copied).toEqual([copy])
    expect(await kept()).toEqual(['d/f.txt: edited in the last instant'])
  })

  test('with a name for the conflict copy that is taken: another one', async () => {
    await write(pair.a, 'f', 'known')
    for (const [at, edit] of ['first edit', 'second one', 'first edit'].entries()) {
      await during([update('f')], async () => {
        await write(pair.a, 'f', edit)
        // Unison does not notice another content of the same size within a second.
        await write(pair.b, 'f', `of b${' and again'.repeat(at)}`)
        expect(await fetched('f')).toMatchObject({ outcome: 'done' })
      })
    }
    const found = (await copies()).map((copy) => readFileSync(join(pair.a, copy), 'utf8'))
    expect(found.sort()).toEqual(['first edit', 'second one'])
  })
})

test('a time that was set back does not hide an edit of another size; a touch makes no copy', async () => {
  await write(pair.a, 'f', 'known')
  await during([update('f')], async () => {
    // The same bytes with a later time: the content decides.
    await write(pair.a, 'f', 'known')
    await write(pair.b, 'f', 'of b')
    await fetched('f')
  })
  expect([await kept(), await copies()]).toEqual([['f: known'], []])
})

describe('what a running session overwrites', () => {
  test('with nobody asking is kept, and is an edit only when the index did not know it', async () => {
    const clock = new FakeClock()
    backups = makeBackups(clock)
    for (const name of ['known', 'edited']) await write(pair.a, name, 'before')
    const known = update('known')
    const edited = update('edited')
    await write(pair.a, 'edited', 'an edit that nobody saw')
    for (const name of ['known', 'edited']) await write(pair.b, name, 'after')
    await fetched('known', 'edited')
    const disk = undefined
    backups.noticed([known, edited].map(({ entry: { path }, local }) => ({ path, local, disk })))
    await clock.advance(500)
    await until(async () => (await findBackups(backupDir)).length === 0, 'the backups are taken')
    expect(await kept()).toEqual(['edited: an edit that nobody saw', 'known: before'])
    expect((await copies()).map((copy) => readFileSync(join(pair.a, copy), 'utf8'))).toEqual([
      'an edit that nobody saw',
    ])
  })

  async function bring(run: Awaited<ReturnType<TestPair['open']>>, content: string): Promise<unknown> {
    await write(pair.b, 'd/f', content)
    const ended = new Promise((resolve) => run.onCycle(resolve))
    pair.serverMonitor.notify(['d/f'])
    return await ended
  }

  test('is kept, cycle by cycle', async () => {
    await write(pair.a, 'd/f', '1')
    await pair.run({ paths: [''] })
    await using run = await pair.open({ backupDir })
    await run.ready()
    for (const content of ['22', '333', '4444']) {
      await during([update('d/f')], async () => {
        expect(await bring(run, content)).toMatchObject({ transferred: 1 })
      })
    }
    expect(await kept()).toEqual(['d/f: 1', 'd/f: 22', 'd/f: 333'])
    expect(await copies()).toEqual([])
  })

  test('is kept when it was given up and ended later', async () => {
    await write(pair.a, 'd/f', '1')
    await pair.run({ paths: [''] })
    await using run = await pair.open({ backupDir })
    await run.ready()
    await during([update('d/f')], async () => undefined, { isOver: false })
    await bring(run, '22')
    await during([update('d/f')], () => bring(run, '333'))
    expect(await kept()).toEqual(['d/f: 1', 'd/f: 22'])
  })

  test('is nothing when somebody has edited it here: Unison notices and leaves it', async () => {
    await write(pair.a, 'd/f', '1')
    await pair.run({ paths: [''] })
    await using run = await pair.open({ backupDir })
    await run.ready()
    await during([update('d/f')], async () => {
      await write(pair.a, 'd/f', 'edited here')
      expect(await bring(run, '22')).toMatchObject({ transferred: 0 })
    })
    expect(readFileSync(join(pair.a, 'd/f'), 'utf8')).toBe('edited here')
    expect([await kept(), await copies()]).toEqual([[], []])
  })
})

describe('what is written into a file that is being replaced', () => {
  /** As Unison does it when nobody disturbs it. */
  function replace(path: string, content: string): void {
    mkdirSync(backupDir, { recursive: true })
    copyFileSync(join(pair.a, path), join(backupDir, path))
    writeFileSync(join(pair.a, '.new'), content)
    renameSync(join(pair.a, '.new'), join(pair.a, path))
  }

  test('after it was put aside comes back as a conflict copy, whole', async () => {
    await write(pair.a, 'f', 'known')
    await during([update('f')], async () => {
      const program = openSync(join(pair.a, 'f'), 'r+')
      replace('f', 'of b')
      writeSync(program, 'begun')
      setTimeout(() => {
        writeSync(program, ' and ended')
        closeSync(program)
      }, 100)
    })
    expect((await copies()).map((copy) => readFileSync(join(pair.a, copy), 'utf8'))).toEqual(['begun and ended'])
    expect(await kept()).toEqual(['f: begun and ended', 'f: known'])
    expect(readFileSync(join(pair.a, 'f'), 'utf8')).toBe('of b')
  })

  test('while it is put aside, with the times of what was there before, comes back, too', async () => {
    await write(pair.a, 'f', 'known')
    await during([update('f')], async () => {
      const { atime, mtime } = lstatSync(join(pair.a, 'f'))
      await write(pair.a, 'f', 'added')
      replace('f', 'of b')
      utimesSync(join(backupDir, 'f'), atime, mtime)
    })
    expect((await copies()).map((copy) => readFileSync(join(pair.a, copy), 'utf8'))).toEqual(['added'])
  })

  test('is left to the next look when the file still has its name', async () => {
    await write(pair.a, 'f', 'known')
    await during([update('f')], () => write(pair.a, 'f', 'edited'))
    expect([await kept(), await copies()]).toEqual([[], []])
  })

  test('a version of the peer that the index does not show yet is no edit', async () => {
    await write(pair.a, 'f', 'known')
    const item = update('f')
    const hash = createHash('sha256').update('first of b').digest('hex')
    const first = backups.watch(peer, [{ ...item, entry: { ...item.entry, hash } }])
    await first.session(async () => {
      replace('f', 'first of b')
      return { result: 'done', reason: '' }
    })
    // The next one begins before the index has what the first one brought, and lasts longer.
    const second = backups.watch('c' as NodeId, [item])
    first.end()
    await second.session(async () => {
      replace('f', 'second of b')
      return { result: 'done', reason: '' }
    })
    await during([], async () => undefined)
    second.end()
    expect(await kept()).toEqual(['f: first of b', 'f: known'])
    expect(await copies()).toEqual([])
  })
})

describe('after a crash', () => {
  test('what a session had replaced by its own record is kept; anything else is an edit', async () => {
    for (const name of ['known', 'edited']) await write(pair.a, name, 'before')
    const replaced = replacedBy([update('known'), update('edited')])
    await write(pair.a, 'edited', 'an edit that nobody saw')
    for (const name of ['known', 'edited']) await write(pair.b, name, 'after')
    await fetched('known', 'edited')
    await makeBackups().recover(replaced)
    expect(await kept()).toEqual(['edited: an edit that nobody saw', 'known: before'])
    expect((await copies()).map((copy) => readFileSync(join(pair.a, copy), 'utf8'))).toEqual([
      'an edit that nobody saw',
    ])
  })

  test('several of one path, the earliest first', async () => {
    for (const [name, content] of [
      ['f', 'latest'],
      ['f.1.earlier-backup', 'middle'],
      ['f.2.earlier-backup', 'first'],
    ] as const) {
      mkdirSync(dirname(join(backupDir, name)), { recursive: true })
      writeFileSync(join(backupDir, name), content)
    }
    const hash = (text: string): string => createHash('sha256').update(text).digest('hex')
    const replaced = ['latest', 'middle', 'first'].map((text) => ({ path: 'f', hash: hash(text), size: 0, mtimeUs: 0 }))
    await backups.recover(replaced)
    const order: string[] = []
    for await (const { file: at } of versionsOf(directory, 'f')) order.push(readFileSync(at, 'utf8'))
    expect(order).toEqual(['latest', 'middle', 'first'])
    expect(copied).toEqual([])
  })
})
