import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type Duplex, duplexPair, Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { constants, createZstdCompress, zstdCompressSync } from 'node:zlib'
import { FakeClock } from '@spansync/common/runtime/fake-clock'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chunkHeader } from './chunk.ts'
import { CodecDuplex } from './codec-duplex.ts'
import { createStreamPair } from './stream-pair.ts'
import { TokenBucket } from './token-bucket.ts'

const mebibyte = 1024 * 1024

/** What a stream fails with, or `undefined` when it closes well. */
function fate(stream: Duplex): Promise<{ code?: string; message: string } | undefined> {
  return new Promise((resolve) => {
    stream.once('error', resolve)
    stream.once('close', () => resolve(undefined))
  })
}

/** Sends `data` in pieces from left to right; says what the carrier had to carry. */
async function through(data: Buffer, pieceBytes = 65_536): Promise<{ carried: number; equal: boolean }> {
  const [near, far] = duplexPair()
  let carried = 0
  const count = (bytes: number): void => {
    carried += bytes
  }
  const left = new CodecDuplex(near, { mode: 'adaptive', onSent: count })
  const right = new CodecDuplex(far, { mode: 'adaptive' })
  const pieces: Buffer[] = []
  for (let at = 0; at < data.length; at += pieceBytes) pieces.push(data.subarray(at, at + pieceBytes))
  const sending = pipeline(Readable.from(pieces), left)
  const received = await buffer(right)
  right.end()
  left.resume()
  await sending
  return { carried, equal: received.equals(data) }
}

describe('what a stream carries', () => {
  it('arrives as it was sent, whatever the sizes of the pieces', async () => {
    const piece = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
      fc.nat({ max: 400_000 }).map((size) => Buffer.alloc(size + 1, 7)),
      fc.nat({ max: 200_000 }).map((size) => randomBytes(size + 1)),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 12 }), async (pieces) => {
        const [left, right] = createStreamPair()
        const [, there] = await Promise.all([pipeline(Readable.from(pieces), left, { end: true }), echoTo(right, left)])
        expect(there.equals(Buffer.concat(pieces))).toBe(true)
      }),
      { numRuns: 60 },
    )
  })

  it('shrinks zeros to a thousandth', async () => {
    const { carried, equal } = await through(Buffer.alloc(50 * mebibyte))
    expect(equal).toBe(true)
    expect(carried).toBeLessThan(50 * 1024)
  })

  it('lets what does not shrink pass with less than 0.1 % more', async () => {
    const { carried, equal } = await through(randomBytes(20 * mebibyte))
    expect(equal).toBe(true)
    expect(carried / (20 * mebibyte)).toBeLessThan(1.001)
  })

  it('returns to compression when the data shrinks again', async () => {
    const { carried, equal } = await through(Buffer.concat([randomBytes(8 * mebibyte), Buffer.alloc(32 * mebibyte)]))
    expect(equal).toBe(true)
    expect(carried).toBeLessThan(9.5 * mebibyte)
  })

  it('shrinks small messages that resemble each other, each sent at once', async () => {
    const [near, far] = duplexPair()
    let carried = 0
    const left = new CodecDuplex(near, { mode: 'adaptive', onSent: (bytes) => (carried += bytes) })
    const right = new CodecDuplex(far, { mode: 'adaptive' })
    for (let index = 0; index < 200; index++) {
      const text =
        `request ${index}: stat of documents/letters/2026/letter-${index}.txt, reply expected, flags none`.repeat(4)
      left.write(text)
      let received = ''
      while (received.length < text.length) received += String((await once(right, 'data'))[0])
      expect(received).toBe(text)
    }
    expect(carried / 200).toBeLessThan(40)
  })
})

/** Reads all that arrives at `right` while `left` gets an empty answer. */
async function echoTo(right: Duplex, left: Duplex): Promise<Buffer> {
  left.resume()
  const received = await buffer(right)
  right.end()
  return received
}

describe('how a stream ends', () => {
  it('ends each direction on its own', async () => {
    const [left, right] = createStreamPair()
    const ends = [fate(left), fate(right)]
    left.end('question')
    expect((await buffer(right)).toString()).toBe('question')
    expect(left.readableEnded).toBe(false)
    right.end('answer')
    expect((await buffer(left)).toString()).toBe('answer')
    expect(await Promise.all(ends)).toEqual([undefined, undefined])
  })

  it('tells the far end why it was destroyed', async () => {
    const [left, right] = createStreamPair()
    const [near, far] = [fate(left), fate(right)]
    left.write('half a')
    await once(right, 'data')
    left.destroy(new Error('unison died'))
    expect((await near)?.message).toBe('unison died')
    expect(await far).toMatchObject({ code: 'stream_aborted', message: expect.stringContaining('unison died') })
  })

  it('fails when the carrier breaks off, also after all that was sent', async () => {
    const [near, far] = duplexPair()
    const left = new CodecDuplex(near, { mode: 'adaptive' })
    const right = new CodecDuplex(far, { mode: 'adaptive' })
    const ends = [fate(left), fate(right)]
    left.write('half a')
    await once(right, 'data')
    near.destroy()
    far.destroy()
    for (const end of ends) expect(await end).toMatchObject({ code: 'connection_lost' })
  })

  it('hands out what came before the carrier broke off', async () => {
    const [near, far] = duplexPair()
    const right = new CodecDuplex(far, { mode: 'adaptive' })
    near.write(Buffer.concat([chunkHeader('raw', 5), Buffer.from('hello'), chunkHeader('end', 0)]))
    near.end()
    right.end()
    expect((await buffer(right)).toString()).toBe('hello')
  })
})

describe('pressure', () => {
  it('stops the writer when nobody reads, and goes on when somebody does', async () => {
    const [left, right] = createStreamPair()
    const data = randomBytes(16 * mebibyte)
    let taken = 0
    const writing = (async () => {
      for (; taken < data.length; taken += 65_536)
        if (!left.write(data.subarray(taken, taken + 65_536))) await once(left, 'drain')
      left.end()
    })()
    for (let turn = 0; turn < 20_000; turn++) await new Promise((resolve) => setImmediate(resolve))
    // Both ends and the carrier hold a bounded amount.
    expect(taken).toBeLessThan(4 * mebibyte)
    left.resume()
    const [received] = await Promise.all([buffer(right), writing])
    expect(received.equals(data)).toBe(true)
  })

  it('keeps to a rate limit', async () => {
    const clock = new FakeClock()
    const up = new TokenBucket(clock, 100_000)
    const [near, far] = duplexPair()
    const left = new CodecDuplex(near, { mode: 'adaptive', up })
    const right = new CodecDuplex(far, { mode: 'adaptive' })
    let received = 0
    right.on('data', (data: Buffer) => {
      received += data.length
    })
    left.write(randomBytes(200_000))
    for (let step = 0; step < 20; step++) {
      await clock.whenSleeping(1)
      await clock.advance(50)
    }
    // What was sent is unpacked by another thread.
    while (received <= 80_000) await new Promise((resolve) => setImmediate(resolve))
    expect(received).toBeLessThan(160_000)
  })
})

describe('bytes that nobody should send', () => {
  async function fateOf(bytes: Buffer): Promise<unknown> {
    const [near, far] = duplexPair()
    near.on('error', () => undefined)
    const right = new CodecDuplex(far, { mode: 'adaptive' })
    const end = fate(right)
    right.resume()
    near.end(bytes)
    return end
  }

  it.each([
    ['an unknown flag', Buffer.of(9, 1, 1)],
    ['a length beyond the bound', chunkHeader('raw', 1_000_000)],
    ['a length that never ends', Buffer.of(0, 0xff, 0xff, 0xff, 0xff, 0xff)],
    ['an expansion beyond the bound', chunkHeader('zstd', 10, 100_000_000)],
    ['compressed data that is damaged', Buffer.concat([chunkHeader('zstd', 4, 10), Buffer.from('oops')])],
    ['compressed data that grows beyond what was announced', bomb(1000)],
    ['compressed data that grows less than announced', bomb(100_000, 60_000)],
    ['an empty chunk', chunkHeader('raw', 0)],
  ])('ends the stream on %s', async (_name, bytes) => {
    expect(await fateOf(bytes)).toMatchObject({ code: 'bad_frame' })
  })

  it('refuses a window that would take much memory', async () => {
    const wide = createZstdCompress({
      params: { [constants.ZSTD_c_windowLog]: 27, [constants.ZSTD_c_compressionLevel]: 1 },
    })
    wide.end(randomBytes(1000))
    const data = await buffer(wide)
    expect(await fateOf(Buffer.concat([chunkHeader('zstd', data.length, 1000), data]))).toMatchObject({
      code: 'bad_frame',
    })
  })

  it('survives any bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        expect(await fateOf(Buffer.from(bytes))).toBeDefined()
      }),
      { numRuns: 2000 },
    )
  })
})

function bomb(announced: number, real = 100_000): Buffer {
  const data = zstdCompressSync(Buffer.alloc(real))
  return Buffer.concat([chunkHeader('zstd', data.length, announced), data])
}
