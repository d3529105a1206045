import { statSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import type { ReplicaId } from '@spansync/common/core/causal/types'
import { compileIgnore } from '@spansync/common/core/policy/ignore'
import { systemClock } from '@spansync/common/runtime/clock'
import { FakeClock } from '@spansync/common/runtime/fake-clock'
import { silentLogger } from '@spansync/common/runtime/logger'
import { describe, expect, it, vi } from 'vitest'
import { createDiskWorker, type DiskWorker } from '../disk/disk-worker.ts'
import { settleDefaults } from '../disk/settle-queue.ts'
import { folder as id, makeTestFolder, type TestFolder } from '../disk/testing/test-folder.ts'
import { openIndex } from '../index-store/open-index.ts'
import { ChangeFeed, type ChangeFeedOptions } from './change-feed.ts'

const options = (folder: TestFolder, disk: DiskWorker): ChangeFeedOptions => ({
  folder: id,
  root: folder.root,
  indexFile: join(folder.base, 'none'),
  ignore: [],
  matcher: compileIgnore([]).matcher,
  rescanMs: 3_600_000,
  settleMs: undefined,
  disk,
  clock: systemClock,
  log: silentLogger,
  look: async () => [],
  below: () => [],
  isExpected: () => false,
  isComing: () => false,
  gatherMs: () => 0,
  isCovered: () => false,
  note: () => {},
  leftovers: () => {},
  failed: () => {},
})

it('tells when what it asks about a changed path fails', async () => {
  using folder = makeTestFolder()
  await using disk = createDiskWorker()
  const failed = Promise.withResolvers<unknown>()
  const isCovered = (): boolean => {
    throw new Error('the index is damaged')
  }
  await using feed = new ChangeFeed({ ...options(folder, disk), isCovered, failed: failed.resolve })
  await feed.start()
  folder.write('new')
  expect(await failed.promise).toMatchObject({ message: 'the index is damaged' })
})

it('tells of unfinished files that a scan finds, but not of those that were there before', async () => {
  using folder = makeTestFolder()
  await using disk = createDiskWorker()
  const told: string[] = []
  const leftovers = (files: readonly string[]): void => void told.push(...files)
  await using feed = new ChangeFeed({ ...options(folder, disk), ignore: ['.unison.*'], leftovers })
  openIndex(join(folder.base, 'none'), { replica: () => 'a.1' as ReplicaId }).close()
  folder.write('d/.unison.x.unison.tmp')
  await feed.scan('start')
  expect(told).toEqual([])
  await feed.scan('asked for')
  expect(told).toEqual(['d/.unison.x.unison.tmp'])
})

describe('what a parcel is about to put in place', () => {
  it('is looked at when it has been put there, if anything was heard of it meanwhile', async () => {
    using folder = makeTestFolder()
    await using disk = createDiskWorker()
    const looked: string[][] = []
    const coming = new Set(['a', 'b'])
    const look = async (paths: Iterable<string>): Promise<[]> => {
      looked.push([...paths])
      return []
    }
    await using feed = new ChangeFeed({ ...options(folder, disk), look, isComing: (path) => coming.has(path) })
    feed.add(['a', 'c'].map((path) => ({ kind: 'path', path })))
    await vi.waitUntil(() => looked.length > 0)
    expect(looked).toEqual([['c']])
    coming.clear()
    feed.release(['a', 'b'])
    await vi.waitUntil(() => looked.length > 1)
    expect(looked).toEqual([['c'], ['a']])
  })

  it('is looked at when everything is asked for', async () => {
    using folder = makeTestFolder()
    await using disk = createDiskWorker()
    const look = vi.fn(async () => [])
    await using feed = new ChangeFeed({ ...options(folder, disk), look, isComing: () => true })
    feed.add([{ kind: 'path', path: 'a' }])
    await feed.flush()
    expect(look).toHaveBeenCalledExactlyOnceWith(['a'])
  })
})

describe('a big file', () => {
  const big = settleDefaults.bigBytes + 1

  it('that somebody is writing, with pauses, is looked at when it is there', async () => {
    using folder = makeTestFolder()
    await using disk = createDiskWorker()
    const sizes: number[] = []
    const look = async (paths: Iterable<string>): Promise<[]> => {
      for (const path of paths) sizes.push(statSync(folder.at(path)).size)
      return []
    }
    const clock = new FakeClock()
    await using feed = new ChangeFeed({ ...options(folder, disk), look, clock })
    const hint = { kind: 'path', path: 'film' } as const
    for (const size of [big, 2 * big, 3 * big]) {
      folder.write('film', Buffer.alloc(size))
      utimesSync(folder.at('film'), clock.wallNow() / 1000, clock.wallNow() / 1000)
      feed.add([hint])
      await clock.advance(100)
    }
    expect(sizes).toEqual([])
    await clock.advance(settleDefaults.growingQuietMs)
    expect(sizes).toEqual([3 * big])
  })

  it('that was moved here is looked at as soon as any other', async () => {
    using folder = makeTestFolder()
    await using disk = createDiskWorker()
    const look = vi.fn(async () => [])
    const clock = new FakeClock()
    await using feed = new ChangeFeed({ ...options(folder, disk), look, clock })
    folder.write('film', Buffer.alloc(big))
    utimesSync(folder.at('film'), clock.wallNow() / 1000 - 60, clock.wallNow() / 1000 - 60)
    feed.add([{ kind: 'path', path: 'film' }])
    await clock.advance(settleDefaults.quietMs)
    expect(look).toHaveBeenCalledExactlyOnceWith(['film'])
  })
})
