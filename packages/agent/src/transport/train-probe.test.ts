import { duplexPair } from 'node:stream'
import { protocolVersion } from '@spansync/common/protocol/messages'
import { FakeClock } from '@spansync/common/runtime/fake-clock'
import { describe, expect, it } from 'vitest'
import { ControlChannel } from './control-channel.ts'
import { encodeFrame, type Frame } from './control-frame.ts'
import { encodePreamble } from './preamble.ts'
import { encodeTrain } from './train-frame.ts'
import { TrainProbe } from './train-probe.ts'

const preamble = encodePreamble({ kind: 'control', protocol: protocolVersion })
const greeting = { bytes: preamble.length, check: () => undefined }

interface Sides {
  readonly clock: FakeClock
  readonly near: TrainProbe
  readonly far: TrainProbe
  readonly measured: Promise<number | undefined>
  readonly carried: () => number
}

function sides({ deaf = false } = {}): Sides {
  const clock = new FakeClock()
  const [left, right] = duplexPair()
  let carried = 0
  right.on('data', (data: Buffer) => {
    carried += data.length
  })
  const channels = [left, right].map((carrier) => new ControlChannel(carrier, { preamble, greeting }))
  const [nearChannel, farChannel] = channels as [ControlChannel, ControlChannel]
  const { promise: measured, resolve } = Promise.withResolvers<number | undefined>()
  const near = new TrainProbe({ channel: nearChannel, clock, onMeasured: resolve })
  const far = new TrainProbe({ channel: farChannel, clock, onMeasured: () => undefined })
  for (const [probe, channel] of [[near, nearChannel] as const, [far, farChannel] as const]) {
    channel.onReceived = () => probe.received()
    channel.deliverTo((frame) => (deaf && probe === far ? undefined : probe.handle(frame)))
  }
  return { clock, near, far, measured, carried: () => carried }
}

describe('TrainProbe', () => {
  it('finds a figure within its bytes', async () => {
    const { near, measured, carried } = sides()
    near.start()
    expect(near.running).toBe(true)
    expect(await measured).toBeGreaterThan(100_000)
    expect(near.running).toBe(false)
    expect(carried()).toBeLessThan(150_000)
  })

  it('gives up when the far end says nothing', async () => {
    const { clock, near, measured } = sides({ deaf: true })
    near.start()
    await clock.advance(5000)
    expect(await measured).toBeUndefined()
    expect(near.running).toBe(false)
  })

  it('takes no notice of what nobody sent for', () => {
    const { near, far } = sides()
    const frame = (kind: Frame['kind'], payload: Buffer): Frame => ({ kind, payload })
    near.handle(frame('train_seen', encodeTrain({ bytes: 4096, durationMs: 1 })))
    far.handle(frame('train', encodeTrain({ bytes: 100_000_000, durationMs: 0 })))
    far.handle(frame('train', Buffer.of(0xff)))
    far.handle(frame('filler', Buffer.alloc(4096)))
    expect(near.running).toBe(false)
    expect(() => encodeFrame('filler', Buffer.alloc(4096))).not.toThrow()
  })
})
