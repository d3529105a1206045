import { createServer, type Server } from 'node:net'
import type { FolderId } from '@spansync/common/core/causal/types'
import type { Clock } from '@spansync/common/ports'
import type { Message } from '@spansync/common/protocol/messages'
import { systemClock } from '@spansync/common/runtime/clock'
import { freePort } from '@spansync/common/testing/free-port'
import { patience } from '@spansync/common/testing/patience'
import { describe, expect, it, vi } from 'vitest'
import type { LoopbackNode } from './testing/loopback.ts'
import { Relay } from './testing/relay.ts'
import { useLoopback } from './testing/use-loopback.ts'
import type { AddressCost, LinkEvent } from './types.ts'

const probe = (id: string): Message => ({ type: 'probe', folder: 'docs' as FolderId, id, timeoutMs: 1 })
const idsOf = ({ messages }: LoopbackNode) => messages.map((message) => 'id' in message && message.id)
const paid: AddressCost = { metered: true, pricePerGb: 4, mayProbe: false }

const { identity, start, relayTo, keep } = useLoopback(2)

/** Somebody else who answers at an address. */
async function portal(answer: string): Promise<string> {
  const server: Server = createServer((socket) => {
    socket.on('error', () => undefined)
    if (answer !== '') socket.end(answer)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  keep({ [Symbol.asyncDispose]: async () => void server.close() })
  return `127.0.0.1:${(server.address() as { port: number }).port}`
}

const login = 'HTTP/1.1 302 Found\r\nLocation: http://login.example/\r\nContent-Length: 0\r\n\r\n'

describe('several addresses', () => {
  it.each([
    ['answers with a login page', login],
    ['takes the connection and says nothing', ''],
  ])('a captive portal that %s does not hold up the next address', async (_what, answer) => {
    const [a, b] = [await start(0), await start(1)]
    const elsewhere = await portal(answer)
    b.transport.setPeers([a.asPeer()])
    const startedAt = performance.now()
    a.transport.setPeers([b.asPeer({ addresses: [elsewhere, b.address] })])
    await a.until(({ ups }) => ups.length > 0)
    expect(performance.now() - startedAt).toBeLessThan(5000)
    expect(a.transport.links()[0]?.address).toBe(b.address)
    if (answer === '') return
    const [first, second] = a.transport.links()[0]?.addresses ?? []
    expect(first).toMatchObject({ address: elsewhere, inUse: false, error: { code: 'unreachable' } })
    expect(first?.error?.remedy).toContain('the login page of the network')
    expect(second).toMatchObject({ address: b.address, inUse: true, error: undefined })
  })

  it('the cheapest comes first, whatever the order', async () => {
    const [a, b] = [await start(0), await start(1)]
    const relay = await relayTo(b.address)
    b.transport.setPeers([a.asPeer()])
    a.transport.setPeers([b.asPeer({ addresses: [relay.address, b.address], costs: { [relay.address]: paid } })])
    await a.until(({ ups }) => ups.length > 0)
    expect(a.transport.links()[0]?.address).toBe(b.address)
    expect(relay.taken).toBe(0)
  })
})

describe('a better address that comes into reach', () => {
  async function overPaid(delayMs = 0, laterMs = 0) {
    const events: LinkEvent[] = []
    const [a, b] = [await start(0, { onHistory: (event) => events.push(event) }), await start(1)]
    const relay = await relayTo(b.address, delayMs)
    const later = keep(new Relay(b.address, { delayMs: laterMs }))
    const port = await freePort()
    const better = `127.0.0.1:${port}`
    b.transport.setPeers([a.asPeer()])
    a.transport.setPeers([b.asPeer({ addresses: [relay.address, better], costs: { [relay.address]: paid } })])
    await a.until(({ ups }) => ups.length > 0)
    await b.until(({ ups }) => ups.length > 0)
    expect(a.transport.links()[0]?.address).toBe(relay.address)
    return { a, b, relay, events, better, appear: () => later.listen(port) }
  }
  const moved = ({ logs }: LoopbackNode): boolean => logs.some(({ event }) => event === 'link.moved')

  it.each([
    ['quicker', 40, 0],
    ['slower', 0, 40],
  ])(
    'is taken over when it is %s: no message is lost, doubled or overtaken, and nobody hears of a fall',
    async (_how, delayMs, laterMs) => {
      const { a, b, better, events, appear } = await overPaid(delayMs, laterMs)
      let count = 0
      const say = (): void => {
        a.link.send(probe(`${count}`))
        b.link.send(probe(`${count}`))
        count++
      }
      const talking = setInterval(say, 2)
      await appear()
      await a.until(moved)
      await b.until(moved)
      for (let more = 0; more < 100; more++) say()
      clearInterval(talking)
      await Promise.all([a, b].map((node) => node.until(({ messages }) => messages.length >= count)))
      const wanted = Array.from({ length: count }, (_, at) => `${at}`)
      expect(idsOf(a)).toEqual(wanted)
      expect(idsOf(b)).toEqual(wanted)
      expect([a.ups.length, b.ups.length, a.downs, b.downs]).toEqual([1, 1, [], []])
      expect(a.link.address).toBe(better)
      expect(a.transport.links()[0]).toMatchObject({ up: true, address: better })
      expect(events.map(({ what, address }) => [what, address === better])).toEqual([
        ['up', false],
        ['moved', true],
      ])
    },
  )

  it('a stream that is under way ends where it began; then the old connection goes', async () => {
    const { a, b, relay, appear } = await overPaid()
    const opening = a.link.openStream({ folder: 'docs' as FolderId, purpose: 'one-shot', id: 's' })
    await b.until(({ streams }) => streams.length > 0)
    const [near, far] = [await opening, b.streams[0]?.stream]
    if (far === undefined) throw new Error('no stream')
    near.write('before')
    await appear()
    await Promise.all([a.until(moved), b.until(moved)])
    expect(relay.open).toBe(2)
    near.end(' and after')
    const text: string[] = []
    for await (const part of far) text.push(String(part))
    expect(text.join('')).toBe('before and after')
    far.end()
    near.resume()
    await relay.idle()
    const next = a.link.openStream({ folder: 'docs' as FolderId, purpose: 'one-shot', id: 't' })
    await b.until(({ streams }) => streams.length > 1)
    const another = await next
    another.destroy()
    expect(relay.taken).toBe(2)
    expect([a.downs, b.downs]).toEqual([[], []])
  })

  it('a paid connection is not held open for a stream that goes on and on', async () => {
    const { a, b, relay, appear } = await overPaid()
    const opening = a.link.openStream({ folder: 'docs' as FolderId, purpose: 'one-shot', id: 's' })
    await b.until(({ streams }) => streams.length > 0)
    const near = await opening
    const closed = new Promise<void>((resolve) => near.once('close', () => resolve()))
    await appear()
    await a.until(moved)
    await closed
    expect(relay.taken).toBe(2)
    expect(a.downs).toEqual([])
  }, 30_000)

  it('a connection that has died without a word is found out when the peer answers elsewhere', async () => {
    const { a, b, relay, appear } = await overPaid()
    relay.goSilent()
    await appear()
    await a.until(({ downs }) => downs.length === 1)
    await a.until(({ ups }) => ups.length === 2)
    await b.until(({ ups }) => ups.length === 2)
    expect(a.link.address).not.toBe(relay.address)
    b.link.send(probe('again'))
    await a.until(({ messages }) => messages.length === 1)
  }, 30_000)
})

it('moves to an address that is quicker by far, though it is the second in the list, and measures the first again after ten minutes', async () => {
  const sleeps: number[] = []
  const clock: Clock = {
    ...systemClock,
    sleep(ms, signal) {
      sleeps.push(ms)
      return systemClock.sleep(ms, signal)
    },
  }
  const [a, b] = [await start(0, { clock }), await start(1)]
  const relay = await relayTo(b.address, 30)
  b.transport.setPeers([a.asPeer()])
  a.transport.setPeers([b.asPeer({ addresses: [relay.address, b.address], mayProbe: true })])
  await a.until(({ logs }) => logs.some(({ event }) => event === 'link.weighed' || event === 'link.moved'))
  await a.until(({ logs }) => logs.some(({ event }) => event === 'link.moved'))
  expect(a.transport.links()[0]?.address).toBe(b.address)
  const [first, second] = a.transport.links()[0]?.addresses ?? []
  expect(first?.rttMs).toBeGreaterThan(second?.rttMs ?? Number.POSITIVE_INFINITY)
  expect([a.downs, b.downs]).toEqual([[], []])
  const longest = (): number | undefined => sleeps.findLast((ms) => ms > 300_000)
  await vi.waitFor(() => expect(longest()).toBeLessThanOrEqual(600_000), { ...patience, timeout: 20_000 })
}, 30_000)

it('stays at an address that is no worse, and measures the other one', async () => {
  const [a, b] = [await start(0), await start(1)]
  const relay = await relayTo(b.address, 30)
  b.transport.setPeers([a.asPeer()])
  a.transport.setPeers([b.asPeer({ addresses: [b.address, relay.address], mayProbe: true })])
  await a.until(({ logs }) => logs.some(({ event }) => event === 'link.weighed'))
  await relay.idle()
  expect(relay.taken).toBe(1)
  expect(a.logs.find(({ event }) => event === 'link.weighed')).toMatchObject({ address: relay.address, isTaken: false })
  const { address, addresses } = a.transport.links()[0] ?? {}
  expect(address).toBe(b.address)
  expect(addresses).toMatchObject([
    { address: b.address, inUse: true, rttMs: expect.any(Number) },
    { address: relay.address, inUse: false, rttMs: expect.any(Number), error: undefined },
  ])
  a.link.send(probe('there'))
  b.link.send(probe('back'))
  await Promise.all([a, b].map((node) => node.until(({ messages }) => messages.length === 1)))
  expect([a, b].flatMap(({ logs }) => logs.filter(({ event }) => event === 'link.moved'))).toEqual([])
  expect([a.ups.length, b.ups.length, a.downs, b.downs]).toEqual([1, 1, [], []])
}, 30_000)

it('an address that was found is tried, and what answers there has to be the peer', async () => {
  const [a, b] = [await start(0), await start(1)]
  b.transport.setPeers([a.asPeer()])
  a.transport.setPeers([b.asPeer()])
  const thief = await start(1, { listen: { host: '127.0.0.1', port: 0 }, identity: identity(0) })
  a.transport.setFound(b.id, [thief.address])
  await a.until(({ logs }) => logs.some(({ code }) => code === 'wrong_fingerprint'))
  a.transport.setFound(b.id, [thief.address, b.address])
  await a.until(({ ups }) => ups.length === 1)
  expect(a.transport.links()[0]?.addresses).toMatchObject([
    { address: thief.address, found: true, inUse: false, error: { code: 'wrong_fingerprint' } },
    { address: b.address, found: true, inUse: true },
  ])
})
