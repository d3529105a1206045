import { randomBytes } from 'node:crypto'
import { type Duplex, duplexPair } from 'node:stream'
import { constants, zstdCompressSync } from 'node:zlib'
import { protocolVersion } from '@spansync/common/protocol/messages'
import type { SpansyncError } from '@spansync/common/runtime/errors'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chunkHeader } from './chunk.ts'
import { ControlChannel } from './control-channel.ts'
import { encodeFrame, type Frame, maxFrameBytes } from './control-frame.ts'
import { LinkClosedError } from './errors.ts'
import { encodePreamble } from './preamble.ts'

const preamble = encodePreamble({ kind: 'control', protocol: protocolVersion })
const greeting = { bytes: preamble.length, check: () => undefined }
const forever = new AbortController().signal

function pair(): { left: ControlChannel; right: ControlChannel; near: Duplex; far: Duplex } {
  const [near, far] = duplexPair()
  return {
    near,
    far,
    left: new ControlChannel(near, { preamble, greeting }),
    right: new ControlChannel(far, { preamble, greeting }),
  }
}

function frames(channel: ControlChannel, count: number): Promise<Frame[]> {
  return new Promise((resolve, reject) => {
    const received: Frame[] = []
    channel.onClose = reject
    channel.deliverTo((frame) => {
      received.push(frame)
      if (received.length === count) resolve(received)
    })
  })
}

/** What the channel at the far end of these raw bytes is closed with. */
function verdictOn(bytes: Buffer): Promise<SpansyncError> {
  const [near, far] = duplexPair()
  near.on('error', () => undefined).resume()
  const channel = new ControlChannel(far, { preamble, greeting })
  return new Promise((resolve) => {
    channel.onClose = resolve
    channel.deliverTo(() => undefined)
    near.end(Buffer.concat([preamble, bytes]))
  })
}

describe('ControlChannel', () => {
  it('carries frames in order, also large ones', async () => {
    const { left, right } = pair()
    const sent = [Buffer.from('one'), randomBytes(maxFrameBytes), Buffer.alloc(0), Buffer.from('four')]
    const receiving = frames(right, sent.length)
    for (const payload of sent) left.send('message', payload)
    expect((await receiving).every(({ payload }, index) => sent[index]?.equals(payload))).toBe(true)
  })

  it('puts all frames of one turn into one burst', async () => {
    const { left, right } = pair()
    const bursts: number[] = []
    left.onSent = (bytes) => bursts.push(bytes)
    const receiving = frames(right, 50)
    for (let index = 0; index < 50; index++) left.send('message', Buffer.from(JSON.stringify({ type: 'probe', index })))
    await receiving
    expect(bursts).toHaveLength(1)
    expect(bursts[0]).toBeLessThan(400)
  })

  it('shrinks a message that resembles earlier ones to a few dozen bytes, and keeps a ping small', async () => {
    const { left, right } = pair()
    const bursts: number[] = []
    left.onSent = (bytes) => bursts.push(bytes)
    for (let index = 0; index < 20; index++) {
      const receiving = frames(right, 1)
      left.send('message', Buffer.from(summary(index)))
      await receiving
    }
    expect(summary(1).length).toBeGreaterThan(200)
    expect(Math.max(...bursts.slice(5))).toBeLessThan(45)
    const receiving = frames(right, 1)
    left.send('ping', Buffer.of(1, 1))
    await receiving
    expect(bursts.at(-1)).toBeLessThan(10)
  })

  it('tells the other side why it closes', async () => {
    const { left, right } = pair()
    const receiving = frames(right, 1)
    left.close(new LinkClosedError('peer_removed', 'a no longer has this peer'))
    const [frame] = await receiving
    expect(frame?.kind).toBe('bye')
    expect(JSON.parse(String(frame?.payload))).toMatchObject({ code: 'peer_removed' })
  })

  it('gives the handshake one frame and keeps the others for later', async () => {
    const { left, right } = pair()
    for (const text of ['hello', 'first', 'second']) left.send('message', Buffer.from(text))
    expect(String((await right.nextFrame(forever)).payload)).toBe('hello')
    expect((await frames(right, 2)).map(({ payload }) => String(payload))).toEqual(['first', 'second'])
  })

  it('ends a wait for a frame when the connection is lost', async () => {
    const { right, near } = pair()
    const waiting = right.nextFrame(forever)
    near.destroy()
    await expect(waiting).rejects.toMatchObject({ code: 'connection_lost' })
  })

  it.each([
    ['a frame beyond the bound', frame(Buffer.of(0, 0xff, 0xff, 0xff, 0x7f))],
    ['a frame of an unknown kind', frame(Buffer.of(77, 1, 1))],
    ['a ping of 5 kB', frame(encodeFrame('ping', Buffer.alloc(5000)))],
  ])('closes on %s', async (_what, bytes) => {
    expect(await verdictOn(bytes)).toMatchObject({ code: 'bad_frame' })
  })

  it('closes on a small frame that would grow without bound', async () => {
    const data = zstdCompressSync(Buffer.alloc(200 * 1024 * 1024), { params: { [constants.ZSTD_c_windowLog]: 17 } })
    expect(data.length).toBeLessThan(20_000)
    const bytes = Buffer.concat([chunkHeader('zstd', data.length, 128 * 1024), data])
    const message = expect.stringContaining('beyond what was announced')
    expect(await verdictOn(bytes)).toMatchObject({ code: 'bad_frame', message })
  })

  it('survives any bytes', async () => {
    const garbage = fc.uint8Array({ maxLength: 120 }).map((bytes) => Buffer.from(bytes))
    await fc.assert(
      fc.asyncProperty(garbage, fc.boolean(), async (bytes, wrapped) => {
        expect((await verdictOn(wrapped && bytes.length > 0 ? frame(bytes) : bytes)).code).toMatch(
          /^(bad_frame|connection_lost|closed_by_peer|stream_aborted)$/,
        )
      }),
      { numRuns: 4000 },
    )
  })
})

/** Bytes of the frame layer inside a chunk as it should be. */
function frame(bytes: Buffer): Buffer {
  return Buffer.concat([chunkHeader('raw', bytes.length), bytes])
}

function summary(index: number): string {
  return JSON.stringify({
    type: 'summary',
    folder: 'documents',
    replica: 'laptop.1a2b3c4d',
    knowledge: { 'laptop.1a2b3c4d': 1000 + index, 'server.99887766': 55, 'desktop.aabbccdd': 12 },
    digest: ((index * 2654435761) >>> 0).toString(16).padStart(32, '0'),
    received: index,
  })
}
