import { duplexPair } from 'node:stream'
import type { FolderId, NodeId } from '@spansync/common/core/causal/types'
import type { Link } from '@spansync/common/ports'
import { FakeClock } from '@spansync/common/runtime/fake-clock'
import { silentLogger } from '@spansync/common/runtime/logger'
import { expect, it } from 'vitest'
import type { KeptSession } from './busy-pair.ts'
import { PairSessions } from './pair-sessions.ts'
import type { SessionRequest } from './sessions.ts'
import type { Engine } from './unison-engine.ts'

const folder = 'docs' as FolderId
const peer = 'b' as unknown as NodeId
const header = { folder, purpose: 'persistent', id: '1' } as const
const closed = Promise.withResolvers<void>().promise
const idle: KeptSession = {
  isWaiting: true,
  stage: () => {},
  notify: () => {},
  onCycle: undefined,
  closed,
  close: () => {},
}
const request: SessionRequest = {
  paths: ['f'],
  covers: new Set(),
  files: 1,
  bytes: 1,
  attempts: 0,
  onlyUpdates: true,
  replacesKind: false,
  recheck: undefined,
  isUndisturbed: undefined,
}

/** Unison that runs nothing and remembers what it was asked for. */
class TestEngine implements Engine {
  readonly isJailed = false
  readonly version = '2.52.1'
  served = 0
  tries = 0
  isRoom = true

  run = async () => ({ result: 'done', reason: '' }) as const
  serve = async (): Promise<void> => {}
  keep = async (): Promise<KeptSession> => {
    this.tries++
    throw new Error('the peer keeps enough sessions')
  }
  tidy = async (): Promise<void> => {}

  serveKept = () => {
    this.served++
    return { session: idle, served: closed }
  }
  mayKeep = (): boolean => this.isRoom
}

function pairOf(engine: Engine, clock = new FakeClock()): PairSessions {
  const link: Link = {
    peer,
    name: 'b',
    dialed: true,
    send: () => {},
    drop: () => {},
    openStream: () => Promise.reject(new Error('not asked for')),
  }
  return new PairSessions({
    folder,
    root: '/none',
    self: 'a' as unknown as NodeId,
    link,
    engine,
    ignore: [],
    clock,
    log: silentLogger,
    isEqual: () => true,
    mayKeep: () => true,
    files: () => 1,
    hashes: () => new Map(),
  })
}

it('refuses a running session that would be one too many', () => {
  const engine = new TestEngine()
  engine.isRoom = false
  const [stream, far] = duplexPair()
  stream.on('error', () => {})
  far.resume()
  pairOf(engine).onStream(header, stream)
  expect(stream.destroyed).toBe(true)
  expect(engine.served).toBe(0)
})

it('lets a running session take the place of the one before', () => {
  const engine = new TestEngine()
  const pair = pairOf(engine)
  pair.onStream(header, duplexPair()[0])
  engine.isRoom = false
  pair.onStream(header, duplexPair()[0])
  expect(engine.served).toBe(2)
})

it('asks again for a running session only some time after it was refused', async () => {
  const clock = new FakeClock()
  const engine = new TestEngine()
  await using pair = pairOf(engine, clock)
  const bring = async (): Promise<void> => {
    for (let times = 0; times < 3; times++) {
      expect(await pair.bring(request)).toMatchObject({ result: 'done' })
      await clock.advance(100)
    }
  }
  await bring()
  expect(engine.tries).toBe(1)
  await clock.advance(30_000)
  await bring()
  expect(engine.tries).toBe(1)
  await clock.advance(60_000)
  await bring()
  expect(engine.tries).toBe(2)
})
