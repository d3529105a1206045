import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import type { NodeId } from '../../core/causal/types.ts'
import { patience } from '../../testing/patience.ts'
import { createCredentials } from './credentials.ts'
import { dial } from './dial.ts'
import { openConnection } from './open-connection.ts'

const closers: (() => void)[] = []

afterEach(() => {
  for (const close of closers.splice(0)) close()
})

/** Something that listens, and what it was told. */
async function listen(greet: (socket: Socket) => void) {
  const seen = { bytes: 0, open: 0 }
  const server = createServer((socket) => {
    seen.open++
    socket.on('data', (chunk: Buffer) => {
      seen.bytes += chunk.length
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      seen.open--
    })
    greet(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(() => server.close())
  return { place: { host: '127.0.0.1', port: (server.address() as AddressInfo).port }, seen }
}

const signal = (): AbortSignal => new AbortController().signal
const plain = 'INFO {"server_name":"x","max_payload":1048576}\r\n'
const secure = 'INFO {"server_name":"x","max_payload":1048576,"tls_required":true}\r\n'

test.each([
  ['a server without TLS', (socket: Socket) => socket.write(plain), 'nats_plain'],
  ['a greeting with something behind it', (socket: Socket) => socket.write(`${secure}PONG\r\n`), 'nats_protocol'],
  ['another protocol', (socket: Socket) => socket.write('SSH-2.0-OpenSSH_9.2p1\r\n'), 'nats_protocol'],
  ['no JSON', (socket: Socket) => socket.write('INFO {"tls_required":true\r\n'), 'nats_protocol'],
  ['an endless greeting', (socket: Socket) => socket.write(`INFO {${' '.repeat(100_000)}`), 'nats_protocol'],
  ['a closed connection', (socket: Socket) => socket.end(), 'nats_unreachable'],
  ['half a greeting', (socket: Socket) => socket.end(secure.slice(0, 30)), 'nats_unreachable'],
])('%s is refused before anything is sent to it', async (_name, greet, code) => {
  const { place, seen } = await listen(greet)
  await expect(dial({ place, certificate: null, signal: signal() })).rejects.toMatchObject({ code })
  await vi.waitFor(() => expect(seen).toEqual({ bytes: 0, open: 0 }), patience)
})

test('a greeting in pieces is put together', async () => {
  const { place, seen } = await listen((socket) => {
    socket.write(secure.slice(0, 10))
    setImmediate(() => socket.write(secure.slice(10)))
    socket.once('data', () => socket.end('no TLS at all'))
  })
  await expect(dial({ place, certificate: null, signal: signal() })).rejects.toMatchObject({ code: 'nats_unreachable' })
  expect(seen.bytes).toBeGreaterThan(100)
})

test('nobody there', async () => {
  const place = { host: '127.0.0.1', port: 1 }
  await expect(dial({ place, certificate: null, signal: signal() })).rejects.toMatchObject({
    code: 'nats_unreachable',
    message: expect.stringContaining('ECONNREFUSED'),
  })
})

test.each([
  ['says nothing', (_socket: Socket) => undefined],
  ['stops in the TLS handshake', (socket: Socket) => socket.write(secure)],
])('a server that %s is given up in time, and its socket with it', async (_name, greet) => {
  const { place, seen } = await listen(greet)
  const credentials = createCredentials({ node: 'ab'.repeat(32) as NodeId, name: 'a', server: null })
  const opening = openConnection({ place, credentials, openTimeoutMs: 100, signal: signal() })
  await expect(opening).rejects.toMatchObject({ code: 'nats_unreachable', message: expect.stringContaining('100 ms') })
  await vi.waitFor(() => expect(seen.open).toBe(0), patience)
})

test('aborting ends the dialling at once, and its socket with it', async () => {
  const { place, seen } = await listen(() => undefined)
  const credentials = createCredentials({ node: 'ab'.repeat(32) as NodeId, name: 'a', server: null })
  const controller = new AbortController()
  const opening = openConnection({ place, credentials, openTimeoutMs: 60_000, signal: controller.signal })
  await vi.waitFor(() => expect(seen.open).toBe(1), patience)
  controller.abort(new Error('enough'))
  await expect(opening).rejects.toThrow('enough')
  await vi.waitFor(() => expect(seen.open).toBe(0), patience)
})
