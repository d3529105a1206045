import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FakeClock } from '@spansync/common/runtime/fake-clock'
import { silentLogger } from '@spansync/common/runtime/logger'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openStore } from '../store/open-store.ts'
import type { Epoch, Store } from '../store/store.ts'
import { lead, nodeA, nodeB, nodeC, state } from '../store/testing/samples.ts'
import { Recorder } from './recorder.ts'

let directory: string
let store: Store
let epoch: Epoch
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'spansync-recorder-'))
  store = await openStore(`sqlite:${join(directory, 'store.sqlite')}`)
  epoch = await lead(store.lease)
})
afterEach(async () => {
  await store[Symbol.asyncDispose]()
  rmSync(directory, { recursive: true })
})

const makeRecorder = (): Recorder => new Recorder({ store, epoch, clock: new FakeClock(), log: silentLogger })

it('has written everything when it is closed', async () => {
  const record = { a: nodeA, b: nodeB, upMs: 1, totalMs: 2 }
  {
    await using recorder = makeRecorder()
    recorder.link([nodeA, nodeB], true, 5)
    recorder.records([{ ...record, upMs: 0 }])
    recorder.records([record])
  }
  expect((await store.links.events({ since: 0 })).items).toEqual([{ a: nodeA, b: nodeB, at: 5, up: true }])
  expect((await store.links.records()).items).toEqual([record])
})

it('keeps nothing of a node that was taken out', async () => {
  const [ab, ac] = [nodeB, nodeC].map((b) => ({ a: nodeA, b, upMs: 1, totalMs: 2 })) as [object, object]
  {
    await using before = makeRecorder()
    before.records([ab, ac] as Parameters<Recorder['records']>[0])
    before.link([nodeA, nodeB], true, 5)
    before.link([nodeA, nodeC], true, 5)
  }
  await store.states.put([state(nodeB)], epoch)
  {
    await using recorder = makeRecorder()
    recorder.link([nodeA, nodeB], false, 6)
    recorder.records([ab] as Parameters<Recorder['records']>[0])
    recorder.removed(nodeB, [{ a: nodeA, b: nodeB }])
  }
  expect((await store.links.records()).items).toEqual([ac])
  expect((await store.links.events({ since: 0 })).items).toEqual([{ a: nodeA, b: nodeC, at: 5, up: true }])
  expect((await store.states.list()).items).toEqual([])
})
