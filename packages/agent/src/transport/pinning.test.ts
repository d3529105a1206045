import { randomBytes } from 'node:crypto'
import { connect as connectTcp, createServer, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import type { FolderId } from '@spansync/common/core/causal/types'
import { protocolVersion } from '@spansync/common/protocol/messages'
import { FakeClock } from '@spansync/common/runtime/fake-clock'
import { describe, expect, it } from 'vitest'
import { chunkHeader } from './chunk.ts'
import { encodeFrame } from './control-frame.ts'
import { encodePreamble } from './preamble.ts'
import { tlsOptions } from './secure.ts'
import { type LoopbackNode, linked } from './testing/loopback.ts'
import { useLoopback } from './testing/use-loopback.ts'

const { identity, start } = useLoopback(3)

/** A TLS client without any of our code: what it hears, in bytes above TLS, until the connection ends. */
function knock(node: LoopbackNode, options: object, say?: Buffer): Promise<Buffer> {
  return new Promise((resolve) => {
    const heard: Buffer[] = []
    const socket = connectTls({
      host: '127.0.0.1',
      port: node.transport.port ?? 0,
      rejectUnauthorized: false,
      ...options,
    })
    if (say !== undefined) socket.once('secureConnect', () => socket.write(say))
    socket.on('data', (data: Buffer) => heard.push(data))
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(Buffer.concat(heard)))
  })
}

describe('pinning', () => {
  it('tells a stranger nothing, and its owner about it once', async () => {
    const a = await start(0)
    const stranger = identity(2)
    for (let time = 0; time < 3; time++) {
      const hello = encodePreamble({ kind: 'control', protocol: protocolVersion })
      expect(await knock(a, tlsOptions(stranger), hello)).toEqual(Buffer.alloc(0))
    }
    const told = a.logs.filter(({ event }) => event === 'transport.stranger')
    expect(told).toHaveLength(1)
    expect(told[0]).toMatchObject({ id: stranger.id, msg: expect.stringContaining(`--id ${stranger.id}`) })
  })

  it('refuses whoever shows no certificate, speaks an older TLS, or no TLS at all', async () => {
    const a = await start(0)
    a.transport.setPeers([{ id: identity(1).id, name: 'b', addresses: [] }])
    expect(await knock(a, {})).toEqual(Buffer.alloc(0))
    expect(await knock(a, { ...tlsOptions(identity(1)), minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' })).toEqual(
      Buffer.alloc(0),
    )
    const plain = connectTcp({ host: '127.0.0.1', port: a.transport.port ?? 0 })
    plain.on('error', () => undefined)
    plain.end('GET / HTTP/1.0\r\n\r\n')
    await new Promise((resolve) => plain.resume().once('close', resolve))
    expect(a.ups).toEqual([])
  })

  it('tells the dialler that it is not known there', async () => {
    const [a, b] = [await start(0), await start(1)]
    a.transport.setPeers([b.asPeer({ dialable: true })])
    await a.until(({ logs }) => logs.some(({ code }) => code === 'not_accepted'))
    expect(a.transport.links()[0]?.lastError).toMatchObject({
      code: 'not_accepted',
      remedy: expect.stringContaining(`spansync peer add a --id ${a.id}`),
    })
  })

  it('names both fingerprints when another machine answers, and tells it nothing', async () => {
    const [a, b] = [await start(0), await start(1)]
    b.transport.setPeers([a.asPeer()])
    a.transport.setPeers([{ id: identity(2).id, name: 'c', addresses: [b.address] }])
    await a.until(({ logs }) => logs.some(({ code }) => code === 'wrong_fingerprint'))
    const error = a.transport.links()[0]?.lastError
    expect(error?.message).toContain(identity(2).id)
    expect(error?.message).toContain(b.id)
    expect(error?.remedy).toContain('spansync id')
    expect(b.ups).toEqual([])
    expect(b.transport.links()[0]?.receivedBytes).toBeLessThan(1500)
  })

  it('says when what answers does not speak TLS, or nothing usable is there', async () => {
    const a = await start(0)
    const server = createServer((socket: Socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    a.transport.setPeers([
      { id: identity(1).id, name: 'b', addresses: [`127.0.0.1:${port}`] },
      { id: identity(2).id, name: 'c', addresses: ['nonsense'] },
    ])
    await a.until(() => a.transport.links().every(({ lastError }) => lastError !== undefined))
    expect(a.transport.links().map(({ lastError }) => lastError?.code)).toEqual(['unreachable', 'bad_address'])
    server.close()
  })
})

describe('versions', () => {
  it('says on both sides which versions cannot talk, and what to do', async () => {
    const [a, b] = [await start(0, { protocol: 1 }), await start(1, { protocol: 2 })]
    b.transport.setPeers([a.asPeer()])
    a.transport.setPeers([b.asPeer({ dialable: true })])
    await a.until(({ logs }) => logs.some(({ code }) => code === 'protocol_mismatch'))
    await b.until(({ logs }) => logs.some(({ code }) => code === 'protocol_mismatch'))
    expect(a.transport.links()[0]?.lastError).toMatchObject({
      message: 'b speaks protocol version 2, this machine speaks version 1',
      remedy: expect.stringContaining('update spansync on this machine'),
    })
    expect(b.transport.links()[0]?.lastError).toMatchObject({
      message: 'a speaks protocol version 1, this machine speaks version 2',
      remedy: expect.stringContaining('update spansync on a'),
    })
    expect([...a.ups, ...b.ups]).toEqual([])
  })
})

/** The control connection of the first identity, by hand: sends what is given, and does not read. */
async function rawLink(b: LoopbackNode, ...more: readonly Buffer[]): Promise<TLSSocket> {
  const hello = {
    type: 'hello',
    now: 0,
    protocol: protocolVersion,
    software: '',
    name: 'a',
    features: [],
    folders: [],
    unison: '',
  }
  const socket = connectTls({
    host: '127.0.0.1',
    port: b.transport.port ?? 0,
    rejectUnauthorized: false,
    ...tlsOptions(identity(0)),
  })
  socket.on('error', () => undefined).pause()
  await new Promise<void>((resolve) => socket.once('secureConnect', () => resolve()))
  const frames = Buffer.concat([encodeFrame('message', Buffer.from(JSON.stringify(hello))), ...more])
  const preamble = encodePreamble({ kind: 'control', protocol: protocolVersion })
  socket.write(Buffer.concat([preamble, chunkHeader('raw', frames.length), frames]))
  return socket
}

describe('a known peer that moves the link to nowhere', () => {
  it('is heard until then, and loses the link half a minute later', async () => {
    const clock = new FakeClock()
    const [a, b] = [await start(0), await start(1, { clock })]
    b.transport.setPeers([a.asPeer()])
    const say = (name: string): Buffer =>
      encodeFrame('message', Buffer.from(JSON.stringify({ type: 'folders', folders: [name] })))
    const frames = [encodeFrame('take'), say('before'), encodeFrame('moved'), encodeFrame('moved'), say('after')]
    const socket = await rawLink(b, ...frames)
    await b.until(({ messages }) => messages.length > 0)
    await clock.whenSleeping()
    await clock.advance(31_000)
    await b.until(({ downs }) => downs.length === 1)
    expect(b.messages).toEqual([{ type: 'folders', folders: ['before'] }])
    expect(b.downs[0]?.reason.code).toBe('dropped')
    socket.destroy()
  })
})

describe('a known peer that does not read', () => {
  it('loses its link when 64 MiB wait for it', async () => {
    const [a, b] = [await start(0), await start(1)]
    b.transport.setPeers([a.asPeer()])
    const socket = await rawLink(b)
    await b.until(({ ups }) => ups.length === 1)
    for (let count = 0; count < 40 && b.downs.length === 0; count++) {
      const id = randomBytes(1_500_000).toString('hex')
      b.link.send({ type: 'probe', folder: 'docs' as FolderId, id, timeoutMs: 1 })
    }
    await b.until(({ downs }) => downs.length === 1)
    expect(b.downs[0]?.reason).toMatchObject({ code: 'peer_too_slow' })
    socket.destroy()
  })
})

describe('a known peer that sends nonsense', () => {
  it.each([
    ['another protocol', Buffer.from('GET / HTTP/1.1\r\n')],
    [
      'no hello',
      Buffer.concat([
        encodePreamble({ kind: 'control', protocol: protocolVersion }),
        chunkHeader('raw', 5),
        Buffer.of(0, 3, 1, 2, 3),
      ]),
    ],
    [
      'a chunk beyond the bound',
      Buffer.concat([encodePreamble({ kind: 'control', protocol: protocolVersion }), chunkHeader('raw', 9_999_999)]),
    ],
    [
      'a malformed stream header',
      Buffer.concat([encodePreamble({ kind: 'stream', protocol: protocolVersion }), Buffer.from('\0\x05hello')]),
    ],
    [
      'a stream header beyond the bound',
      Buffer.concat([encodePreamble({ kind: 'stream', protocol: protocolVersion }), Buffer.of(255, 255)]),
    ],
  ])('is cut off: %s', async (_what, bytes) => {
    const [a, b] = [await start(0), await start(1)]
    await linked(a, b)
    await knock(b, tlsOptions(identity(0)), bytes)
    await b.until(({ logs }) => logs.some(({ event }) => event === 'transport.connection_failed'))
    expect(b.transport.links()[0]?.up).toBe(true)
    expect(b.downs).toEqual([])
  })
})
