import { createServer } from 'node:net'
import type { FolderId } from '@spansync/common/core/causal/types'
import type { Message } from '@spansync/common/protocol/messages'
import { freePort } from '@spansync/common/testing/free-port'
import { describe, expect, it } from 'vitest'
import { LoopbackNode, linked } from './testing/loopback.ts'
import { useLoopback } from './testing/use-loopback.ts'
import type { LinkEvent } from './types.ts'

const probe = (id: string): Message => ({ type: 'probe', folder: 'docs' as FolderId, id, timeoutMs: 1 })

const { identity, start } = useLoopback(3)

describe('a link', () => {
  it('comes up on both sides, with what each says of itself', async () => {
    const [a, b] = [await start(0, { unison: () => '2.53.7', features: ['x'] }), await start(1)]
    await linked(a, b)
    expect(a.link).toMatchObject({ peer: b.id, name: 'b', dialed: true })
    expect(b.link).toMatchObject({ peer: a.id, name: 'a', dialed: false })
    expect(b.ups[0]?.hello).toMatchObject({ name: 'a', folders: ['docs'], unison: '2.53.7', features: ['x', 'trial'] })
  })

  it('carries messages both ways, in order', async () => {
    const [a, b] = [await start(0), await start(1)]
    await linked(a, b)
    for (let index = 0; index < 500; index++) a.link.send(probe(`a${index}`))
    for (let index = 0; index < 500; index++) b.link.send(probe(`b${index}`))
    await a.until(({ messages }) => messages.length === 500)
    await b.until(({ messages }) => messages.length === 500)
    expect(b.messages.at(-1)).toEqual(probe('a499'))
    expect(a.messages.map((message) => 'id' in message && message.id)).toEqual(
      Array.from({ length: 500 }, (_, index) => `b${index}`),
    )
  })

  it('drops bad messages, counts them, and goes on', async () => {
    const [a, b] = [await start(0), await start(1)]
    await linked(a, b)
    const bad = { type: 'probe', folder: 'docs', id: 7, timeoutMs: -1 } as unknown as Message
    for (let index = 0; index < 20; index++) a.link.send(bad)
    a.link.send({ type: 'hello' } as unknown as Message)
    a.link.send(probe('good'))
    await b.until(({ messages }) => messages.length === 1)
    expect(b.messages).toEqual([probe('good')])
    expect(b.transport.links()[0]?.badMessages).toBe(21)
    expect(b.logs.filter(({ event }) => event === 'link.bad_message')).toHaveLength(5)
  })

  it('survives what its owner throws', async () => {
    const a = await start(0)
    const b = await start(1, {
      onMessage: () => {
        throw new Error('a fault')
      },
    })
    await linked(a, b)
    a.link.send(probe('1'))
    await b.until(({ logs }) => logs.some(({ event }) => event === 'transport.callback_failed'))
    expect(b.transport.links()[0]?.up).toBe(true)
  })

  it('refuses a message that is too big for one frame', async () => {
    const [a, b] = [await start(0), await start(1)]
    await linked(a, b)
    const huge = { ...probe('x'), id: 'y'.repeat(5_000_000) } as Message
    expect(() => a.link.send(huge)).toThrow(expect.objectContaining({ code: 'message_too_big' }))
    expect(a.transport.links()[0]?.up).toBe(true)
  })

  it('is told of for the history: up, down, and why it does not come up again', async () => {
    const events: LinkEvent[] = []
    const [a, b] = [await start(0, { onHistory: (event) => events.push(event) }), await start(1)]
    await linked(a, b)
    expect(events).toEqual([{ peer: b.id, name: 'b', what: 'up', address: b.address }])
    const { address } = b
    await b[Symbol.asyncDispose]()
    await a.until(({ logs }) => logs.some(({ event }) => event === 'link.unreachable'))
    expect(events.slice(1)).toMatchObject([
      { name: 'b', what: 'down', address, code: 'shutdown' },
      { name: 'b', what: 'failed', code: 'unreachable' },
    ])
  })

  it('is reported with its measures', async () => {
    const [a, b] = [await start(0), await start(1)]
    await linked(a, b)
    const status = a.transport.links()[0]
    expect(status).toMatchObject({ node: b.id, name: 'b', up: true, dialed: true, address: b.address })
    expect(status?.lastError).toBeUndefined()
    expect(status?.rttMs).toBeGreaterThan(0)
    expect(status?.since).toBeLessThanOrEqual(Date.now())
    // A handshake with two certificates.
    expect(status?.sentBytes).toBeGreaterThan(500)
    expect(status?.sentBytes).toBeLessThan(3000)
  })
})

describe('changes while running', () => {
  it('cuts a peer that is removed and leaves the others alone', async () => {
    const [a, b, c] = [await start(0), await start(1), await start(2)]
    a.transport.setPeers([b.asPeer(), c.asPeer()])
    b.transport.setPeers([a.asPeer({ dialable: true })])
    c.transport.setPeers([a.asPeer({ dialable: true })])
    await a.until(({ ups }) => ups.length === 2)
    a.transport.setPeers([c.asPeer()])
    await b.until(({ downs }) => downs.length === 1)
    expect(b.downs[0]?.reason).toMatchObject({ code: 'peer_removed' })
    expect(a.downs).toHaveLength(1)
    expect(a.downs[0]?.link.peer).toBe(b.id)
    expect(a.transport.links().map(({ node, up }) => [node, up])).toEqual([[c.id, true]])
    await b.until(({ logs }) => logs.some(({ code }) => code === 'not_accepted'))
    expect(b.transport.links()[0]?.lastError?.remedy).toContain(`spansync peer add b --id ${b.id}`)
    expect(c.downs).toEqual([])
  })

  it('does not touch a link when addresses and limits of its peer change', async () => {
    const [a, b] = [await start(0), await start(1)]
    await linked(a, b)
    const peer = b.asPeer({ dialable: true })
    a.transport.setPeers([{ ...peer, addresses: [...peer.addresses, '192.0.2.1:1'], upBytesPerSecond: 1_000_000 }])
    a.link.send(probe('still here'))
    await b.until(({ messages }) => messages.length === 1)
    expect([a.ups.length, a.downs.length]).toEqual([1, 0])
  })

  it('listens elsewhere and keeps the links that are up', async () => {
    const [a, b, c] = [await start(0), await start(1), await start(2)]
    await linked(a, b)
    const before = b.transport.port
    await b.transport.setListen({ host: '127.0.0.1', port: await freePort() })
    expect(b.transport.port).not.toBe(before)
    b.transport.setPeers([a.asPeer(), c.asPeer()])
    c.transport.setPeers([b.asPeer({ dialable: true })])
    await c.until(({ ups }) => ups.length === 1)
    expect(b.downs).toEqual([])
    await b.transport.setListen(undefined)
    expect(b.transport.port).toBeUndefined()
    expect(b.transport.links().every(({ up }) => up)).toBe(true)
  })

  it('says who holds the port when it is taken, and listens on where it did', async () => {
    const holder = createServer()
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve))
    const { port } = holder.address() as { port: number }
    const a = new LoopbackNode(identity(0), 'a', { listen: { host: '127.0.0.1', port } })
    const inUse = { code: 'port_in_use', remedy: expect.stringContaining(`sport = :${port}`) }
    await expect(a.transport.start()).rejects.toMatchObject(inUse)
    const b = await start(1)
    const before = b.transport.port
    await expect(b.transport.setListen({ host: '127.0.0.1', port })).rejects.toMatchObject(inUse)
    expect(b.transport.port).toBe(before)
    await expect(b.transport.setListen({ host: '192.0.2.1', port: 1 })).rejects.toMatchObject({ code: 'cannot_listen' })
    holder.close()
  })

  it('says good-bye when it is shut down, and takes the link up again later', async () => {
    const [a, b] = [await start(0), await start(1)]
    await linked(a, b)
    const port = b.transport.port ?? 0
    await b[Symbol.asyncDispose]()
    await a.until(({ downs }) => downs.length === 1)
    expect(a.downs[0]?.reason).toMatchObject({ code: 'shutdown' })
    const again = await start(1, { listen: { host: '127.0.0.1', port }, peers: [a.asPeer()] })
    a.transport.poke(b.id)
    await again.until(({ ups }) => ups.length === 1)
  })

  it('is quiet about a peer that cannot be reached', async () => {
    const a = await start(0)
    const peer = { id: identity(1).id, name: 'b', addresses: [`127.0.0.1:${await freePort()}`] }
    a.transport.setPeers([peer])
    await a.until(({ logs }) => logs.length === 1)
    for (let turn = 0; turn < 20; turn++) {
      a.transport.poke()
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(a.logs).toHaveLength(1)
    expect(a.transport.links()[0]).toMatchObject({ up: false, lastError: { code: 'unreachable' } })
  })
})
