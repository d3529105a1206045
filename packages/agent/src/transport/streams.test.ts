import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import type { FolderId } from '@spansync/common/core/causal/types'
import { protocolVersion, type StreamHeader } from '@spansync/common/protocol/messages'
import { systemClock } from '@spansync/common/runtime/clock'
import { beforeEach, describe, expect, it } from 'vitest'
import { openStream } from './open-stream.ts'
import { type LoopbackNode, linked } from './testing/loopback.ts'
import { useLoopback } from './testing/use-loopback.ts'

const docs = 'docs' as FolderId
const header: StreamHeader = { folder: docs, purpose: 'one-shot', id: 's1' }
const mebibyte = 1024 * 1024

const { identity, start } = useLoopback(2)
let a: LoopbackNode
let b: LoopbackNode
beforeEach(async () => {
  a = await start(0)
  b = await start(1)
  await linked(a, b)
})

async function openBoth(wanted = header): Promise<[Duplex, Duplex]> {
  const count = b.streams.length
  const near = await a.link.openStream(wanted)
  await b.until(({ streams }) => streams.length > count)
  const far = b.streams.at(-1)
  if (far === undefined) throw new Error('no stream')
  expect(far.header).toEqual(wanted)
  return [near, far.stream]
}

function failure(stream: Duplex): Promise<unknown> {
  return new Promise((resolve) => stream.once('error', resolve))
}

describe('streams', () => {
  it('carry data both ways and end each way on its own', async () => {
    const [near, far] = await openBoth()
    const [question, answer] = [randomBytes(3 * mebibyte), randomBytes(2 * mebibyte)]
    near.end(question)
    expect((await buffer(far)).equals(question)).toBe(true)
    far.end(answer)
    expect((await buffer(near)).equals(answer)).toBe(true)
    await Promise.all([near.closed || once(near, 'close'), far.closed || once(far, 'close')])
  })

  it('count their bytes for the link and the folder', async () => {
    const before = a.transport.links()[0]
    const [near, far] = await openBoth()
    near.end(randomBytes(mebibyte))
    far.end()
    near.resume()
    await buffer(far)
    const [here, there] = [a.transport.links()[0], b.transport.links()[0]]
    const sent = (here?.sentBytes ?? 0) - (before?.sentBytes ?? 0)
    expect(sent).toBeGreaterThan(mebibyte)
    expect(sent).toBeLessThan(mebibyte * 1.01)
    // A pong may have gone over the control connection meanwhile.
    expect(sent - (here?.folders.get(docs)?.sent ?? 0)).toBeLessThan(100)
    expect(there?.folders.get(docs)?.received).toBeGreaterThan(mebibyte)
    expect(there?.folders.get(docs)?.sent).toBeLessThan(3000)
  })

  it('cost less than half a percent for 50 MB of zeros, handshake included', async () => {
    const before = a.transport.links()[0]?.sentBytes ?? 0
    const [near, far] = await openBoth()
    far.end()
    near.resume()
    const receiving = buffer(far)
    near.end(Buffer.alloc(50 * mebibyte))
    expect((await receiving).length).toBe(50 * mebibyte)
    expect((a.transport.links()[0]?.sentBytes ?? 0) - before).toBeLessThan(50 * mebibyte * 0.005)
  })

  it('tell the far end when one end fails', async () => {
    const [near, far] = await openBoth()
    const failed = failure(far)
    near.on('error', () => undefined).destroy(new Error('unison died'))
    expect(await failed).toMatchObject({ code: 'stream_aborted', message: expect.stringContaining('unison died') })
  })

  it('fall with their link', async () => {
    const [near, far] = await openBoth()
    const failures = [failure(near), failure(far)]
    a.link.drop('test')
    for (const failed of failures) expect(await failed).toMatchObject({ code: 'connection_lost' })
  })

  it('are opened only by the side that dialled', async () => {
    await expect(b.link.openStream(header)).rejects.toMatchObject({ code: 'not_dialer' })
  })

  it('are not opened on a link that is down', async () => {
    const { link } = a
    link.drop('test')
    await expect(link.openStream(header)).rejects.toMatchObject({ code: 'dropped' })
  })

  it('are refused for a folder that is not shared, which leaves no trace', async () => {
    const opening = a.link.openStream({ ...header, folder: 'made-up' as FolderId })
    await expect(opening).rejects.toMatchObject({ code: 'refused', message: expect.stringContaining('not shared') })
    expect(b.streams).toEqual([])
    expect([...(b.transport.links()[0]?.folders.keys() ?? [])]).toEqual([])
  })

  it('are refused when the far side has no link with us', async () => {
    const target = { id: b.id, name: 'b', address: b.address }
    a.transport.setPeers([])
    await b.until(({ downs }) => downs.length === 1)
    const opening = openStream({
      identity: identity(0),
      clock: systemClock,
      protocol: protocolVersion,
      target,
      header,
      signal: new AbortController().signal,
      onSocket: () => undefined,
    })
    await expect(opening).rejects.toMatchObject({ code: 'refused', message: 'the link is down' })
    expect(b.streams).toEqual([])
  })

  it('stop opening when the signal aborts', async () => {
    const controller = new AbortController()
    const opening = a.link.openStream(header, controller.signal)
    controller.abort(new Error('no longer wanted'))
    await expect(opening).rejects.toThrow('no longer wanted')
  })

  it('stop the writer when the far end does not read', async () => {
    const [near, far] = await openBoth()
    const piece = randomBytes(mebibyte)
    let written = 0
    const writing = (async () => {
      for (; written < 64; written++) if (!near.write(piece)) await once(near, 'drain')
      near.end()
    })()
    // The kernel's buffers take some; then nothing moves until somebody reads.
    let before = -1
    while (written !== before) {
      before = written
      for (let turn = 0; turn < 10_000; turn++) await new Promise((resolve) => setImmediate(resolve))
    }
    expect(written).toBeLessThan(32)
    far.end()
    near.resume()
    let received = 0
    far.on('data', (data: Buffer) => {
      received += data.length
    })
    await Promise.all([writing, once(far, 'end')])
    expect(received).toBe(64 * piece.length)
  })

  it('leave the control channel quick while they are busy', async () => {
    const [near, far] = await openBoth()
    far.resume()
    const piece = randomBytes(65_536)
    let stop = false
    const writing = (async () => {
      while (!stop) if (!near.write(piece)) await once(near, 'drain')
    })()
    for (let index = 0; index < 20; index++) {
      a.link.send({ type: 'folders', folders: [] })
      await b.until(({ messages }) => messages.length === index + 1)
    }
    stop = true
    await writing
    near.on('error', () => undefined).destroy()
    far.on('error', () => undefined)
  })
})
