import { join } from 'node:path'
import { compileIgnore } from '@spansync/common/core/policy/ignore'
import { systemClock } from '@spansync/common/runtime/clock'
import { silentLogger } from '@spansync/common/runtime/logger'
import { describe, expect, it, vi } from 'vitest'
import { createDiskWorker, type DiskWorker } from '../disk/disk-worker.ts'
import { folder as id, makeTestFolder, type TestFolder } from '../disk/testing/test-folder.ts'
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
