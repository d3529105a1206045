import { join } from 'node:path'
import { compileIgnore } from '@spansync/common/core/policy/ignore'
import { systemClock } from '@spansync/common/runtime/clock'
import { silentLogger } from '@spansync/common/runtime/logger'
import { expect, it } from 'vitest'
import { createDiskWorker } from '../disk/disk-worker.ts'
import { folder as id, makeTestFolder } from '../disk/testing/test-folder.ts'
import { ChangeFeed } from './change-feed.ts'

it('tells when what it asks about a changed path fails', async () => {
  using folder = makeTestFolder()
  await using disk = createDiskWorker()
  const failed = Promise.withResolvers<unknown>()
  await using feed = new ChangeFeed({
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
    isCovered: () => {
      throw new Error('the index is damaged')
    },
    note: () => {},
    failed: failed.resolve,
  })
  await feed.start()
  folder.write('new')
  expect(await failed.promise).toMatchObject({ message: 'the index is damaged' })
})
