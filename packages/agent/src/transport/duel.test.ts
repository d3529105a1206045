import { FakeClock } from '@spansync/common/runtime/fake-clock'
import { describe, expect, it } from 'vitest'
import { linked } from './testing/loopback.ts'
import { useLoopback } from './testing/use-loopback.ts'

const { start, relayTo } = useLoopback(2)

describe('two nodes that dial each other', () => {
  it('keep exactly one link, the same on both sides, without a fall', async () => {
    for (let round = 0; round < 25; round++) {
      const [a, b] = [await start(0), await start(1)]
      const order = [
        () => a.transport.setPeers([b.asPeer({ dialable: true })]),
        () => b.transport.setPeers([a.asPeer({ dialable: true })]),
      ]
      // Every other round one of them is known a few turns earlier.
      for (const act of round % 2 === 0 ? order : order.reverse()) {
        act()
        for (let turn = 0; turn < round % 8; turn++) await new Promise((resolve) => setImmediate(resolve))
      }
      await Promise.all([a.until(({ ups }) => ups.length > 0), b.until(({ ups }) => ups.length > 0)])
      a.link.send({ type: 'folders', folders: [] })
      b.link.send({ type: 'folders', folders: [] })
      await Promise.all([
        a.until(({ messages }) => messages.length > 0),
        b.until(({ messages }) => messages.length > 0),
      ])
      expect([a.ups.length, b.ups.length, a.downs.length, b.downs.length]).toEqual([1, 1, 0, 0])
      expect(a.link.dialed).toBe(!b.link.dialed)
      await a[Symbol.asyncDispose]()
      await b[Symbol.asyncDispose]()
    }
  })

  it('keep the link of the smaller id when the larger one dials a second', async () => {
    const [a, b] = [await start(0), await start(1)]
    await linked(a, b)
    const first = a.link
    // As if the larger one had restarted its dialling: a second transport with its identity.
    const twin = await start(1, { listen: undefined, peers: [a.asPeer({ dialable: true })] })
    await a.until(({ logs }) => logs.some(({ event, alive }) => event === 'link.probed' && alive === true))
    expect(twin.ups).toEqual([])
    expect(a.link).toBe(first)
    expect(a.downs).toEqual([])
  })
})

describe('a new connection of the same peer', () => {
  it('takes the place of one that died unnoticed', async () => {
    const [a, b] = [await start(0), await start(1)]
    const relay = await relayTo(b.address)
    b.transport.setPeers([a.asPeer()])
    a.transport.setPeers([b.asPeer({ addresses: [relay.address] })])
    await b.until(({ ups }) => ups.length === 1)
    relay.goSilent()
    // The laptop comes back from another address: a fresh process with the same identity.
    const moved = await start(0, { listen: undefined, peers: [b.asPeer({ dialable: true })] })
    await moved.until(({ ups }) => ups.length === 1)
    await b.until(({ ups }) => ups.length === 2)
    expect(b.downs.map(({ reason }) => reason.code)).toEqual(['replaced'])
    moved.link.send({ type: 'folders', folders: [] })
    await b.until(({ messages }) => messages.length === 1)
    expect(b.transport.links()[0]?.up).toBe(true)
  })

  it('takes the place of one that has the right of way, when that turns out to be dead', async () => {
    const clock = new FakeClock()
    const [a, b] = [await start(0, { clock }), await start(1)]
    const relay = await relayTo(b.address)
    b.transport.setPeers([a.asPeer()])
    a.transport.setPeers([b.asPeer({ addresses: [relay.address] })])
    await a.until(({ ups }) => ups.length === 1)
    relay.goSilent()
    const moved = await start(1, { listen: undefined, peers: [a.asPeer({ dialable: true })] })
    await a.until(({ logs }) => logs.some(({ event }) => event === 'link.doubted'))
    await clock.advance(5000)
    await moved.until(({ ups }) => ups.length === 1)
    expect(a.downs.map(({ reason }) => reason.code)).toEqual(['peer_silent'])
    expect(a.transport.links()[0]).toMatchObject({ up: true, dialed: false })
  })

  it('takes it at once when the peer says that it has lost that very link', async () => {
    const clock = new FakeClock()
    const [a, b] = [await start(0, { clock }), await start(1)]
    const relay = await relayTo(b.address)
    b.transport.setPeers([a.asPeer({ dialable: true })])
    a.transport.setPeers([b.asPeer({ addresses: [relay.address] })])
    await a.until(({ ups }) => ups.length === 1)
    await b.until(({ ups }) => ups.length === 1)
    relay.goSilent()
    // b gives it up and dials, and no time passes for a.
    b.link.drop('the network is another one')
    await b.until(({ ups }) => ups.length === 2)
    await a.until(({ ups }) => ups.length === 2)
    expect(a.downs.map(({ reason }) => reason.code)).toEqual(['replaced'])
    expect(a.transport.links()[0]).toMatchObject({ up: true, dialed: false })
  })
})
