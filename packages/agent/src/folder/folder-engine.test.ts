import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { NodeId, ReplicaId, Row } from '@spansync/common/core/causal/types'
import { merge } from '@spansync/common/core/causal/version-vector'
import { compileIgnore } from '@spansync/common/core/policy/ignore'
import type { Link, Observation } from '@spansync/common/ports'
import { FakeClock } from '@spansync/common/runtime/fake-clock'
import { silentLogger } from '@spansync/common/runtime/logger'
import { folder as folderState, written } from '@spansync/common/testing/entries'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { DiskWorker, ObserveOptions, ObservePath } from '../disk/disk-worker.ts'
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
    formerSelves: [],
    wordEveryMs: 1000,
    root: folder.root,
    indexFile: join(folder.base, 'index.sqlite'),
    nodeName: 'a',
    disposable: [],
    files: [],
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
    holdsBack: () => undefined,
    session: () => Promise.reject(new Error('not asked for')),
    stopSession: () => {},
    isQuick: () => false,
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

/** A disk that is asked one question after the other; each is answered when the test says so. */
function askedDisk(): { disk: DiskWorker; questions: Question[] } {
  const questions: Question[] = []
  const observe = (
    _root: string,
    requests: readonly ObservePath[],
    { onLate }: ObserveOptions,
  ): Promise<Observation[]> => {
    const { promise, resolve } = Promise.withResolvers<Observation[]>()
    const paths = requests.map((request) => (typeof request === 'string' ? request : request.path))
    questions.push({ paths, answer: resolve, late: (observation) => onLate?.(observation) })
    return promise
  }
  return { disk: { observe } as unknown as DiskWorker, questions }
}

interface Question {
  readonly paths: readonly string[]
  readonly answer: (observations: Observation[]) => void
  readonly late: (observation: Observation) => void
}

it('takes what was seen last for what is there, also when an older look that needed two rounds tells after it', async () => {
  const { disk, questions } = askedDisk()
  const again: string[] = []
  await using engine = engineOn(disk, { hint: (hint) => again.push(hint.kind === 'path' ? hint.path : hint.reason) })
  const begun = engine.look(['d', 'd/x'])
  questions[0]?.answer([
    { path: 'd', disk: folderState() },
    { path: 'd/x', disk: written('inside') },
  ])
  await begun

  const slow = engine.look(['d', 'file'])
  questions[1]?.answer([
    { path: 'd', disk: undefined },
    { path: 'file', disk: written('before') },
  ])
  await vi.waitFor(() => expect(questions).toHaveLength(3))
  expect(questions[2]?.paths).toEqual(['d/x'])
  const quick = engine.look(['file'])
  questions[3]?.answer([{ path: 'file', disk: written('after') }])
  await quick
  questions[2]?.answer([{ path: 'd/x', disk: undefined }])
  await slow
  expect(engine.index.get('file')).toMatchObject({ hash: 'after' })
  expect(engine.state.deletions.vanished.size).toBe(2)
  expect(again).toEqual(['file'])
})

it('takes nothing for an edit that it saw before a session replaced it', async () => {
  const { disk, questions } = askedDisk()
  const again: string[] = []
  await using engine = engineOn(disk, { hint: (hint) => again.push(hint.kind === 'path' ? hint.path : hint.reason) })
  const first = engine.look(['d', 'd/x', 'file'])
  questions[0]?.answer([
    { path: 'd', disk: folderState() },
    { path: 'd/x', disk: written('inside') },
    { path: 'file', disk: written('before') },
  ])
  await first

  const slow = engine.look(['d', 'file'])
  questions[1]?.answer([
    { path: 'd', disk: undefined },
    { path: 'file', disk: written('before') },
  ])
  await vi.waitFor(() => expect(questions).toHaveLength(3))
  const row = engine.index.get('file') as Row
  const came = { ...row, ...written('after'), vector: { ...row.vector, peer: 1 } } as Row
  engine.index.commit({ rows: [came], knowledge: merge(engine.index.meta().knowledge, came.vector) })
  questions[2]?.answer([{ path: 'd/x', disk: undefined }])
  await slow
  expect(engine.index.get('file')).toMatchObject({ hash: 'after', vector: came.vector })
  expect(again).toEqual(['file'])
})

it('takes no big file for what is there when something else has been seen in its place since', async () => {
  const { disk, questions } = askedDisk()
  await using engine = engineOn(disk)
  const first = engine.look(['file'])
  questions[0]?.answer([])
  await first
  const second = engine.look(['file'])
  questions[1]?.answer([{ path: 'file', disk: written('small') }])
  await second
  questions[0]?.late({ path: 'file', disk: written('big') })
  expect(engine.index.get('file')).toMatchObject({ hash: 'small' })
  expect(engine.isBusy).toBe(false)
})

it('takes away what a session has left soon after the last peer that could want it has told all, however long it was away', async () => {
  const clock = new FakeClock()
  const { disk } = slowDisk()
  await using engine = engineOn(disk, { clock })
  const left = `.unison.f.${'a'.repeat(32)}.unison.tmp`
  folder.write(left)
  const peer = 'b' as NodeId
  const link = { peer, name: 'b', send: () => {} } as unknown as Link
  engine.litter.found([left], peer)
  engine.tidying.keep()
  for (let wait = 3000; wait < 60_000; wait *= 2) await clock.advance(wait)
  expect(existsSync(join(folder.root, left))).toBe(true)
  engine.linkUp(link, { door: 'open' })
  const { knowledge, digest } = engine.index.meta()
  const said = {
    replica: 'b.1' as ReplicaId,
    knowledge,
    digest,
    received: 0,
    complete: true,
    scope: '',
    partial: false,
  }
  engine.receiveSummary(peer, { type: 'summary', folder: id, ...said, follows: 'peers', door: 'open' })
  await clock.advance(3000)
  await vi.waitUntil(() => !existsSync(join(folder.root, left)), { timeout: 10_000 })
})

it('does not take what this node has said under a former id for somebody else who has its files', async () => {
  const old = 'former' as NodeId
  const seeing = (hash: string): DiskWorker => {
    const { stat } = written('good')
    const disk = { ...written(hash), size: 4, stat }
    return { observe: () => Promise.resolve([{ path: 'f', disk }]) } as unknown as DiskWorker
  }
  {
    await using engine = engineOn(seeing('good'), { self: old })
    await engine.look(['f'])
    const { knowledge } = engine.index.meta()
    engine.index.keepMembers([{ node: old, version: 1, knowledge, neighbours: [] }])
  }
  const { signal } = new AbortController()
  for (const [formerSelves, state] of [[[old], 'unhealable'] as const, [[], 'waiting'] as const]) {
    await using engine = engineOn(seeing('rot!'), { self: 'new' as NodeId, formerSelves })
    expect((await engine.audit({ heal: true, signal })).damaged).toEqual([{ path: 'f', state }])
  }
})
