import { duplexPair } from 'node:stream'
import { protocolVersion } from '@spansync/common/protocol/messages'
import { FakeClock } from '@spansync/common/runtime/fake-clock'
import { describe, expect, it } from 'vitest'
import { ControlChannel } from './control-channel.ts'
import { RoundTrip } from './measures.ts'
import { encodePreamble } from './preamble.ts'
import { Pulse } from './pulse.ts'

const preamble = encodePreamble({ kind: 'control', protocol: protocolVersion })
const greeting = { bytes: preamble.length, check: () => undefined }

class Side {
  readonly channel: ControlChannel
  readonly pulse: Pulse
  readonly rtt = new RoundTrip()
  readonly sent: string[] = []
  deaf = false
  #framesSent = 0
  #framesReceived = 0

  constructor(carrier: ConstructorParameters<typeof ControlChannel>[0], clock: FakeClock, dialed: boolean) {
    this.channel = new ControlChannel(carrier, { preamble, greeting })
    this.pulse = new Pulse({ channel: this.channel, clock, random: () => 0.5, dialed, rtt: this.rtt })
    this.channel.onReceived = (bytes) => this.deaf || this.pulse.received(bytes)
    this.channel.onSent = () => this.pulse.wrote()
    this.channel.onClose = () => this.pulse.stop()
    this.channel.deliverTo((frame) => {
      this.#framesReceived += 1
      if (!this.deaf) this.pulse.handle(frame)
    })
    const send = this.channel.send.bind(this.channel)
    this.channel.send = (kind, payload) => {
      this.#framesSent += 1
      send(kind, payload)
    }
    void this.pulse.run()
  }

  hasHeardAllOf(other: Side): boolean {
    return this.#framesReceived === other.#framesSent
  }
}

interface Sides {
  readonly clock: FakeClock
  readonly near: Side
  readonly far: Side
  readonly frames: () => number
}

function sides(): Sides {
  const clock = new FakeClock()
  const [left, right] = duplexPair()
  let carried = 0
  const count = (data: Buffer): void => {
    carried += data.length
  }
  left.on('data', count)
  right.on('data', count)
  const near = new Side(left, clock, true)
  const far = new Side(right, clock, false)
  return { clock, near, far, frames: () => carried }
}

/** Lets frames cross that are under way. Each is compressed and unpacked by other threads, which takes as long as it takes. */
async function settle({ near, far }: Sides): Promise<void> {
  const isOver = (): boolean => (near.channel.closed ?? far.channel.closed) !== undefined
  do await turns()
  while (!isOver() && !(near.hasHeardAllOf(far) && far.hasHeardAllOf(near)))
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
}

async function pass(both: Sides, seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    await both.clock.advance(1000)
    await settle(both)
  }
}

describe('Pulse', () => {
  it('keeps an idle link up for an hour with a few bytes, and measures it', async () => {
    const both = sides()
    const { near, far, frames } = both
    await pass(both, 60)
    const before = frames()
    await pass(both, 3600)
    expect(near.channel.closed ?? far.channel.closed).toBeUndefined()
    // 72 pings and pongs: with TLS records, TCP headers and acknowledgements some 220 bytes each.
    expect(frames() - before).toBeLessThan(72 * 20)
    expect(near.rtt.ms).toBeGreaterThan(0)
    expect(far.rtt.ms).toBeGreaterThan(0)
  })

  it('notices a peer that is gone with traffic within 20 s', async () => {
    const both = sides()
    const { near, far } = both
    await pass(both, 5)
    far.deaf = true
    near.channel.send('message', Buffer.from('{}'))
    near.pulse.sent()
    await pass(both, 19)
    expect(near.channel.closed).toBeUndefined()
    await pass(both, 2)
    expect(near.channel.closed?.code).toBe('peer_silent')
  })

  it('notices on either side that an idle peer is gone', async () => {
    for (const goner of ['near', 'far'] as const) {
      const both = sides()
      await pass(both, 5)
      both[goner].deaf = true
      await pass(both, 110)
      expect([both.near, both.far].map(({ channel }) => channel.closed?.code)).toContain('peer_silent')
    }
  })

  it('answers a probe at once when alive, and within 5 s when not', async () => {
    const both = sides()
    const { near, far } = both
    await pass(both, 1)
    const first = near.pulse.probe()
    await settle(both)
    expect(await first).toBe(true)
    far.deaf = true
    const second = near.pulse.probe()
    await pass(both, 6)
    expect(await second).toBe(false)
    expect(near.channel.closed?.code).toBe('peer_silent')
  })

  it('shows life while much arrives and nothing is to be said', async () => {
    const both = sides()
    const { near, far } = both
    await pass(both, 5)
    let pings = 0
    near.channel.onSent = (bytes) => {
      if (bytes < 20) pings += 1
    }
    for (let second = 0; second < 40; second++) {
      near.channel.send('message', Buffer.alloc(40_000, second).fill(String(Math.random()), 0, 20))
      near.pulse.sent()
      far.pulse.received(40_000)
      await pass(both, 1)
    }
    expect(near.channel.closed).toBeUndefined()
    expect(pings).toBeLessThan(3)
  })

  it('drops a peer that has not read for 60 s', async () => {
    const clock = new FakeClock()
    const [left] = duplexPair()
    const near = new Side(left, clock, true)
    for (let index = 0; index < 4; index++) {
      near.channel.send('message', Buffer.from(Array.from({ length: 500_000 }, () => Math.random() * 256)))
      near.pulse.sent()
    }
    for (let second = 0; second < 90 && near.channel.closed === undefined; second++) {
      near.pulse.received(1)
      await clock.advance(1000)
      await turns()
    }
    expect(near.channel.closed?.code).toBe('peer_too_slow')
  })
})
