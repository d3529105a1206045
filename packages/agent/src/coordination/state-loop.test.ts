import type { Digest, FolderId, NodeId } from '@spansync/common/core/causal/types'
import { StateDeltas, type StateMessage } from '@spansync/common/core/follow/state-deltas'
import type { StateAnswer } from '@spansync/common/protocol/coordination'
import { FakeClock } from '@spansync/common/runtime/fake-clock'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { StateLoop } from './state-loop.ts'

type Reply = Awaited<ReturnType<ConstructorParameters<typeof StateLoop>[0]['send']>>

const yes: Reply = { kind: 'answer', answer: { epoch: 1, mode: 'centralised', full: false } }

let clock: FakeClock
let sent: StateMessage[]
let heard: StateAnswer[]
let nobody: number
let digest: string
let reply: Reply
let whileAsked: () => void
let loop: StateLoop
let running: Promise<void>

beforeEach(() => {
  clock = new FakeClock()
  ;[sent, heard, nobody, digest, reply] = [[], [], 0, '0', yes]
  whileAsked = () => {}
  const replica = () =>
    ({ folder: 'f' as FolderId, state: 'open', knowledge: {}, digest: digest as Digest, scope: '' }) as const
  loop = new StateLoop({
    clock,
    deltas: new StateDeltas({ node: 'a' as NodeId, name: 'a', software: 's', run: 'r' }),
    snapshot: () => ({
      mode: { configured: 'auto', effective: 'centralised' },
      links: [],
      replicas: [{ ...replica(), files: 0, bytes: 0, peers: [] }],
      orders: [],
      finished: [],
    }),
    send: async (state) => {
      sent.push(state)
      const answer = reply
      whileAsked()
      return answer
    },
    heard: (answer) => heard.push(answer),
    nobody: () => void nobody++,
    told: () => {},
  })
  running = loop.run()
})
afterEach(async () => {
  loop.stop()
  await clock.advance(0)
  await running
})

it('says nothing until somebody listens, then everything, then each change at once', async () => {
  loop.changed()
  await clock.advance(1000)
  expect(sent).toEqual([])
  loop.begin()
  await clock.advance(1000)
  expect(sent).toMatchObject([{ full: true }])
  digest = '1'
  loop.changed()
  await clock.advance(0)
  expect(sent).toMatchObject([{ full: true }, { full: false, replicas: [{ digest: '1' }] }])
  loop.changed()
  await clock.advance(1000)
  expect([sent.length, heard.length]).toEqual([2, 2])
})

it('speaks less and less often while everything changes all the time', async () => {
  loop.begin()
  for (let ms = 0; ms < 10_000; ms += 5) {
    digest = `${ms}`
    loop.changed()
    await clock.advance(5)
  }
  expect(sent.length).toBeGreaterThan(35)
  expect(sent.length).toBeLessThan(60)
})

it('falls silent when nobody listens, and says everything when somebody is back', async () => {
  reply = { kind: 'nobody' }
  loop.begin()
  await clock.advance(60_000)
  expect([sent.length, nobody]).toEqual([1, 1])
  reply = yes
  loop.begin()
  await clock.advance(1000)
  expect(sent).toMatchObject([{ full: true }, { full: true }])
})

it('is not led by a coordinator that refuses it, and asks again at long intervals', async () => {
  reply = { kind: 'answer', answer: { epoch: 1, mode: 'centralised', full: false, problem: 'not registered' } }
  loop.begin()
  await clock.advance(600_000)
  expect(heard).toEqual([])
  expect(nobody).toBe(sent.length)
  expect(sent.length).toBeLessThan(20)
  expect(loop.isRefused).toBe(true)
  reply = yes
  await clock.advance(61_000)
  expect([heard.length, loop.isRefused]).toEqual([1, false])
})

it('sends everything again when the coordinator lacks what the state builds on', async () => {
  reply = { kind: 'answer', answer: { epoch: 1, mode: 'centralised', full: true } }
  loop.begin()
  await clock.advance(5)
  reply = yes
  await clock.advance(1000)
  expect(sent.map(({ full }) => full)).toEqual(sent.map(() => true))
  expect(sent.length).toBe(2)
})

it('goes on telling a coordinator that was given up while its answer was under way', async () => {
  whileAsked = () => loop.pause()
  loop.begin()
  await clock.advance(1000)
  whileAsked = () => {}
  digest = '1'
  loop.changed()
  await clock.advance(1000)
  expect(sent).toMatchObject([{ full: true }, { full: false, replicas: [{ digest: '1' }] }])
})

it.each<[string, Reply]>([
  ['answers', yes],
  ['is gone', { kind: 'nobody' }],
])('tells a new coordinator everything, although the one before it %s at that moment', async (_what, last) => {
  reply = last
  whileAsked = () => {
    whileAsked = () => {}
    loop.begin()
    reply = yes
  }
  loop.begin()
  await clock.advance(1000)
  expect(sent).toMatchObject([{ full: true }, { full: true }])
})
