import type { NodeId } from '@spansync/common/core/causal/types'
import type { Message, MessageOf } from '@spansync/common/protocol/messages'
import { expect, it } from 'vitest'
import type { ReplicaState } from './probes.ts'
import { docs, makeTestNetwork, same, type TestNetwork } from './testing.ts'

const state = (replica: string): ReplicaState => ({ replica, digest: same, busy: false, error: '' }) as ReplicaState
const silent = { replica: 'b', busy: true, error: 'it did not answer in time' }

/** `name` answers every probe with these. */
function answers(test: TestNetwork, name: string, replicas: readonly ReplicaState[]): void {
  const before = test.onSent
  test.onSent = (to, message) => {
    before(to, message)
    if (to !== name || message.type !== 'probe') return
    const reply = { type: 'probe_reply' as const, id: message.id, replicas: [...replicas] }
    queueMicrotask(() => test.network.probes.onReply(name as unknown as NodeId, reply))
  }
}

it('gathers what all peers answer', async () => {
  const test = makeTestNetwork({ peers: ['b', 'c'] })
  answers(test, 'b', [state('b.0123456789'), state('d.0123456789')])
  answers(test, 'c', [])
  expect(await test.network.probes.ask(docs, 1000)).toEqual([state('b.0123456789'), state('d.0123456789')])
})

it('counts a peer that is silent as one that is at work', async () => {
  const test = makeTestNetwork({ peers: ['b', 'c'] })
  answers(test, 'c', [state('c.0123456789')])
  const asked = test.network.probes.ask(docs, 1000)
  await test.clock.advance(1000)
  expect(await asked).toMatchObject([state('c.0123456789'), silent])
})

it('tells who asked of the peers that were silent', async () => {
  const test = makeTestNetwork({ peers: ['a', 'b'] })
  test.network.probes.onProbe('a' as unknown as NodeId, { type: 'probe', folder: docs, id: 'x', timeoutMs: 1000 })
  await test.clock.advance(1000)
  const replies = test.sent.filter(
    (one): one is { to: string; message: MessageOf<'probe_reply'> } => (one.message as Message).type === 'probe_reply',
  )
  expect(replies).toMatchObject([{ to: 'a', message: { id: 'x', replicas: [{ replica: 'self.0123456789' }, silent] } }])
})

it('ends a wave that comes back in a ring with nothing', () => {
  const test = makeTestNetwork({ peers: ['a', 'b'] })
  const probe = { type: 'probe' as const, folder: docs, id: 'x', timeoutMs: 1000 }
  test.network.probes.onProbe('a' as unknown as NodeId, probe)
  test.network.probes.onProbe('b' as unknown as NodeId, probe)
  expect(test.sent.at(-1)).toEqual({ to: 'b', message: { type: 'probe_reply', id: 'x', replicas: [] } })
})

it('leaves out what does not stop the folder', () => {
  const problem = { code: 'x', message: 'too few watches', remedy: '' }
  expect(makeTestNetwork({ peers: [], degraded: problem }).network.probes.own(docs)?.error).toBe('')
  expect(makeTestNetwork({ peers: [], stopped: problem }).network.probes.own(docs)?.error).toBe('too few watches')
})
