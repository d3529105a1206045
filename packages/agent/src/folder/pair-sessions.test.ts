import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import type { FolderId, NodeId } from '@spansync/common/core/causal/types'
import type { Link } from '@spansync/common/ports'
import type { Message, MessageOf } from '@spansync/common/protocol/messages'
import { FakeClock } from '@spansync/common/runtime/fake-clock'
import { createLogger } from '@spansync/common/runtime/logger'
import { patience } from '@spansync/common/testing/patience'
import { describe, expect, it, vi } from 'vitest'
import { PairSessions } from './pair-sessions.ts'
import type { SessionRequest } from './sessions.ts'
import type { Engine } from './unison-engine.ts'

const folder = 'f' as FolderId

/** One side of a pair whose link and Unison only take notes. */
class Side implements AsyncDisposable {
  readonly sent: Message[] = []
  readonly clock = new FakeClock()
  readonly serve = vi.fn(async () => {})
  readonly run = vi.fn<Engine['run']>(async () => ({ result: 'done', reason: '' }))
  readonly openStream = vi.fn(async () => new PassThrough())
  /** Never ends by itself. */
  readonly keep = vi.fn<Engine['keep']>(({ signal }) => once(signal, 'abort').then(() => Promise.reject(signal.reason)))
  readonly pair: PairSessions

  constructor(dialed: boolean, { isEqual = false } = {}) {
    const link = {
      peer: 'peer' as NodeId,
      name: 'peer',
      dialed,
      send: (message: Message) => void this.sent.push(message),
    }
    this.pair = new PairSessions({
      folder,
      root: '/nowhere',
      self: 'self' as NodeId,
      link: { ...link, openStream: this.openStream, drop: () => {} } as unknown as Link,
      engine: { run: this.run, serve: this.serve, keep: this.keep, mayKeep: () => isEqual } as unknown as Engine,
      ignore: [],
      clock: this.clock,
      log: createLogger({ level: 'silent', fields: {} }),
      isEqual: () => isEqual,
      mayKeep: () => isEqual,
      files: () => 0,
      hashes: () => new Map(),
    })
  }

  /** The id under which the peer was asked. */
  async asked(): Promise<string> {
    return (await vi.waitUntil(() => this.sent.find((message) => message.type === 'fetch'), patience)).id
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pair[Symbol.asyncDispose]()
  }
}

function request(more: Partial<SessionRequest> = {}): SessionRequest {
  const counts = { files: 1, bytes: 1, attempts: 0 }
  const what = { paths: ['p'], covers: new Set<string>(), onlyUpdates: false, replacesKind: false }
  return { ...what, ...counts, recheck: undefined, isUndisturbed: undefined, ...more }
}

describe('a run that the peer does for this side', () => {
  it.each([
    [true, 'served'],
    [false, 'refused'],
  ])('begins only when nothing has come in between: undisturbed %s, %s', async (undisturbed, expected) => {
    await using side = new Side(false)
    const bringing = side.pair.bring(request({ isUndisturbed: async () => undisturbed }))
    const id = await side.asked()
    const stream = new PassThrough().on('error', () => {})
    side.pair.onStream({ folder, purpose: 'one-shot', id: `for-${id}` }, stream)
    await vi.waitUntil(() => stream.destroyed || side.serve.mock.calls.length > 0, patience)
    expect(stream.destroyed ? 'refused' : 'served').toBe(expected)
    side.pair.onFetched({ type: 'fetched', folder, id, outcome: 'done', detail: '' })
    expect(await bringing).toEqual({ result: 'done', reason: '' })
  })

  it('is refused when it is not waited for any more', async () => {
    await using side = new Side(false)
    const bringing = side.pair.bring(request())
    const id = await side.asked()
    await side.clock.advance(3_600_000)
    expect(await bringing).toMatchObject({ result: 'failed', reason: 'the peer did not answer' })
    const stream = new PassThrough().on('error', () => {})
    side.pair.onStream({ folder, purpose: 'one-shot', id: `for-${id}` }, stream)
    await vi.waitUntil(() => stream.destroyed, patience)
    expect(side.serve).not.toHaveBeenCalled()
  })

  it('is refused when the disk cannot be looked at: the peer would wait for a minute', async () => {
    await using side = new Side(false)
    const bringing = side.pair.bring(request({ isUndisturbed: () => Promise.reject(new Error('the disk has gone')) }))
    const id = await side.asked()
    const stream = new PassThrough().on('error', () => {})
    side.pair.onStream({ folder, purpose: 'one-shot', id: `for-${id}` }, stream)
    await vi.waitUntil(() => stream.destroyed, patience)
    side.pair.onFetched({ type: 'fetched', folder, id, outcome: 'failed', detail: 'refused' })
    expect(await bringing).toEqual({ result: 'failed', reason: 'refused' })
  })

  it('is refused when it cannot be served', async () => {
    await using side = new Side(false)
    side.serve.mockRejectedValue(new Error('no room for its directory'))
    const stream = new PassThrough().on('error', () => {})
    side.pair.onStream({ folder, purpose: 'one-shot', id: 'any' }, stream)
    await vi.waitUntil(() => stream.destroyed, patience)
  })

  it('is named after the request, on the side that dialled', async () => {
    await using side = new Side(true)
    const counts = { files: 1, bytes: 1 }
    const message: MessageOf<'fetch'> = {
      type: 'fetch',
      folder,
      id: 'x1',
      way: 'force',
      paths: ['p'],
      covers: [],
      ...counts,
    }
    await side.pair.onFetch(message)
    await side.run.mock.calls[0]?.[0].connect(new AbortController().signal)
    expect(side.openStream).toHaveBeenCalledWith(expect.objectContaining({ id: 'for-x1' }), expect.anything())
  })

  it('does not wait for anything when this side has only what the peer wants', async () => {
    await using side = new Side(false)
    side.pair.onStream({ folder, purpose: 'one-shot', id: 'any' }, new PassThrough())
    await vi.waitUntil(() => side.serve.mock.calls.length > 0, patience)
  })
})

it('what is under way when the pair ends is told why, and so is what comes after', async () => {
  await using side = new Side(false)
  const bringing = side.pair.bring(request())
  await side.asked()
  await side.pair.end('policy lets nothing pass')
  const ended = { result: 'failed', reason: 'policy lets nothing pass' }
  expect([await bringing, await side.pair.bring(request())]).toEqual([ended, ended])
})

it('a run of this side is asked before each of its processes whether its ground still holds', async () => {
  await using side = new Side(true)
  const isUndisturbed = vi.fn(async () => true)
  await side.pair.bring(request({ isUndisturbed }))
  await side.run.mock.calls[0]?.[0].mayGoOn?.(['p'])
  expect(isUndisturbed).toHaveBeenCalledWith(['p'])
})

describe('after files have come without Unison', () => {
  it('a session is opened when all has been quiet for a while, so that Unison learns of them', async () => {
    await using side = new Side(true, { isEqual: true })
    side.pair.noteParcel()
    await side.clock.advance(3000)
    expect(side.keep).not.toHaveBeenCalled()
    await side.clock.advance(2000)
    expect(side.keep).toHaveBeenCalledOnce()
  })

  it('what is to be brought waits a second for that, so that it is there within two', async () => {
    await using side = new Side(true, { isEqual: true })
    side.pair.noteParcel()
    await side.clock.advance(60_000)
    const bringing = side.pair.bring(request())
    await side.clock.advance(900)
    expect(side.run).not.toHaveBeenCalled()
    await side.clock.advance(200)
    expect(side.run).toHaveBeenCalledOnce()
    expect(await bringing).toEqual({ result: 'done', reason: '' })
  })

  it('nothing of the kind happens on the side that did not dial', async () => {
    await using side = new Side(false, { isEqual: true })
    side.pair.noteParcel()
    await side.clock.advance(60_000)
    expect(side.keep).not.toHaveBeenCalled()
  })
})
