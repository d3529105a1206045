import { join } from 'node:path'
import type { NodeId } from '@spansync/common/core/causal/types'
import { compileIgnore } from '@spansync/common/core/policy/ignore'
import type { Observation } from '@spansync/common/ports'
import { FakeClock } from '@spansync/common/runtime/fake-clock'
import { silentLogger } from '@spansync/common/runtime/logger'
import { written } from '@spansync/common/testing/entries'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { DiskWorker, ObserveOptions } from '../disk/disk-worker.ts'
import { folder as id, makeTestFolder, type TestFolder } from '../disk/testing/test-folder.ts'
import { FolderEngine } from './folder-engine.ts'
import type { FolderEngineOptions } from './options.ts'

let folder: TestFolder
const failures: unknown[] = []

beforeEach(() => {
  folder = makeTestFolder()
  failures.length = 0
})
afterEach(() => folder[Symbol.dispose]())

function engineOn(disk: DiskWorker, more: Partial<FolderEngineOptions> = {}): FolderEngine {
  return new FolderEngine({
    folder: id,
    self: 'a' as NodeId,
    wordEveryMs: 1000,
    root: folder.root,
    indexFile: join(folder.base, 'index.sqlite'),
    nodeName: 'a',
    disposable: [],
    scope: '',
    fetched: () => {},
    matcher: compileIgnore([]).matcher,
    versionsDirectory: join(folder.base, 'versions'),
    disk,
    clock: new FakeClock(),
    log: silentLogger,
    hint: () => {},
    isHeld: () => false,
    folding: undefined,
    guard: { share: 0.5, files: 100 },
    isScanning: () => false,
    hasHints: () => false,
    session: () => Promise.reject(new Error('not asked for')),
    byUnison: () => {},
    parcelled: () => {},
    unpacked: () => {},
    committed: () => {},
    changed: () => {},
    failed: (error) => failures.push(error),
    ...more,
  })
}

/** A disk on which every file is big: what it shows comes when `report` is called. */
function slowDisk(): { disk: DiskWorker; report: (observation: Observation) => void } {
  let onLate: ObserveOptions['onLate']
  const observe = async (_root: string, _paths: unknown, options: ObserveOptions): Promise<Observation[]> => {
    onLate = options.onLate
    return []
  }
  return { disk: { observe } as unknown as DiskWorker, report: (observation) => onLate?.(observation) }
}

/** The index keeps the rows used last; of this one it does not know more. */
function forgetRows(engine: FolderEngine): void {
  engine.index.restat([{ path: 'big', stat: written('').stat }])
}

it('takes the hash of a big file in when it comes', async () => {
  const { disk, report } = slowDisk()
  await using engine = engineOn(disk)
  await engine.look(['big'])
  expect(engine.isBusy).toBe(true)
  report({ path: 'big', disk: written('hash') })
  expect(engine.isBusy).toBe(false)
  expect(engine.index.get('big')).toMatchObject({ hash: 'hash' })
  expect(failures).toEqual([])
})

it('drops the hash of a big file that comes after the folder was closed', async () => {
  const { disk, report } = slowDisk()
  const engine = engineOn(disk)
  await engine.look(['big'])
  forgetRows(engine)
  await engine[Symbol.asyncDispose]()
  expect(() => report({ path: 'big', disk: written('hash') })).not.toThrow()
})

it('closes the folder, not the process, when the index fails under the hash of a big file', async () => {
  const { disk, report } = slowDisk()
  await using engine = engineOn(disk)
  await engine.look(['big'])
  forgetRows(engine)
  engine.index.close()
  expect(() => report({ path: 'big', disk: written('hash') })).not.toThrow()
  expect(failures).toHaveLength(1)
})
