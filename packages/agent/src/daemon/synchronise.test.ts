import type { NodeId } from '@spansync/common/core/causal/types'
import { expect, it } from 'vitest'
import type { SyncResult } from '../control/api.ts'
import { synchronise } from './synchronise.ts'
import { makeTestNetwork, same, type TestNetwork } from './testing.ts'

const { signal } = new AbortController()
const wait = (timeoutMs: number) => ({ wait: true, timeoutMs })

/** `b` answers after so long. */
function answerAfter(test: TestNetwork, ms: number, digest = same): void {
  const b = 'b' as unknown as NodeId
  test.onSent = (_, message) => {
    if (message.type !== 'probe') return
    const replicas = [{ replica: 'b.0123456789', digest, busy: false, error: '' }] as never
    void test.clock
      .sleep(ms)
      .then(() => test.network.probes.onReply(b, { type: 'probe_reply', id: message.id, replicas }))
  }
}

async function result(test: TestNetwork, timeoutMs: number): Promise<SyncResult['folders'][number] | undefined> {
  let settled = false
  const syncing = synchronise(test.network, wait(timeoutMs), signal).finally(() => {
    settled = true
  })
  for (let turn = 0; turn < 10_000 && !settled; turn++) await test.clock.advance(10)
  expect(settled).toBe(true)
  return (await syncing).folders[0]
}

it('is equal when every peer says so', async () => {
  const test = makeTestNetwork({ peers: ['b'] })
  answerAfter(test, 10)
  expect(await result(test, 1000)).toEqual({ id: 'docs', equal: true, replicas: [{ node: 'b', state: 'equal' }] })
})

it('is not equal when nobody answers', async () => {
  const test = makeTestNetwork({ peers: ['b'] })
  const reason = 'it did not answer in time'
  expect(await result(test, 1000)).toMatchObject({
    equal: false,
    timedOut: true,
    replicas: [{ node: 'b', state: 'failed', reason }],
  })
})

it('is not equal when the time is over before the scan is', async () => {
  const test = makeTestNetwork({ peers: ['b'], rescan: () => test.clock.sleep(5000) })
  answerAfter(test, 10)
  expect(await result(test, 1000)).toMatchObject({ equal: false, timedOut: true })
  expect(test.clock.sleeping).toBeGreaterThan(0)
})

it('waits for a peer that needs long to answer', async () => {
  const test = makeTestNetwork({ peers: ['b'] })
  answerAfter(test, 7000)
  expect(await result(test, 30_000)).toMatchObject({ equal: true })
})

it('says in the end what the last full round said', async () => {
  const test = makeTestNetwork({ peers: ['b'] })
  answerAfter(test, 40, 'b'.repeat(32))
  expect(await result(test, 1000)).toMatchObject({ timedOut: true, replicas: [{ node: 'b', state: 'behind' }] })
})

it('does not take too few watches for a reason to fail', async () => {
  const degraded = { code: 'watch_limit', message: 'too few watches', remedy: 'raise the limit' }
  const test = makeTestNetwork({ peers: ['b'], degraded })
  answerAfter(test, 10)
  expect(await result(test, 1000)).toMatchObject({ equal: true })
})
