import { once } from 'node:events'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { createCredentials } from '@spansync/common/adapters/nats/credentials'
import { messageBytes, subjects } from '@spansync/common/protocol/coordination'
import { freePort } from '@spansync/common/testing/free-port'
import { patience } from '@spansync/common/testing/patience'
import type { NatsConnection, NatsConnectionImpl } from 'nats'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { makeServerCertificate } from './certificate.ts'
import { createInbox } from './testing/inbox.ts'
import { nodeIdOf, startTestServer, type TestServer } from './testing/test-server.ts'

const ann = nodeIdOf('ann')
const answered = { timeoutMs: 20_000 }
let server: TestServer

beforeAll(async () => {
  server = await startTestServer({ nodes: ['ann', 'ben'] })
})

afterAll(() => server[Symbol.asyncDispose]())

async function pair() {
  const [coordinator, agent] = [server.link('coordinator'), server.link('ann')]
  await Promise.all([coordinator.whenConnected(), agent.whenConnected()])
  return { coordinator, agent }
}

test('nobody there is said at once', async () => {
  const { agent } = await pair()
  expect(await agent.request(subjects.state(ann), {}, { timeoutMs: 20_000 })).toEqual({ kind: 'nobody' })
})

test('no answer in time; the connection lives on, for the server itself does answer', async () => {
  const { coordinator, agent } = await pair()
  const inbox = createInbox()
  using _silent = coordinator.subscribe(subjects.state(ann), inbox.handler)
  await coordinator.connection?.flush()
  const before = agent.connection
  expect(await agent.request(subjects.state(ann), {}, { timeoutMs: 50 })).toEqual({ kind: 'timeout' })
  await vi.waitFor(() => expect(inbox.received).toHaveLength(1), patience)
  await agent.connection?.flush()
  expect(agent.connection).toBe(before)
})

test('a connection that this side knows to be dead is told of at once, and made anew', async () => {
  const { agent } = await pair()
  const before = agent.connection
  expect(agent.localAddress).toMatch(/127\.0\.0\.1|::1/)
  const told = once(agent.events, 'disconnected')
  await agent.drop('its address is gone')
  expect(await told).toMatchObject([{ code: 'nats_lost' }])
  await agent.whenConnected()
  expect(agent.connection).not.toBe(before)
})

test('a request can be given up', async () => {
  const { coordinator, agent } = await pair()
  using _silent = coordinator.subscribe(subjects.state(ann), () => undefined)
  await coordinator.connection?.flush()
  const controller = new AbortController()
  const asked = agent.request(subjects.state(ann), {}, { timeoutMs: 300 }, controller.signal)
  controller.abort(new Error('enough'))
  await expect(asked).rejects.toThrow('enough')
})

test('no message larger than the limit is sent or taken', async () => {
  const { coordinator, agent } = await pair()
  const inbox = createInbox()
  using _states = coordinator.subscribe(subjects.state(ann), inbox.handler)
  await coordinator.connection?.flush()
  const tooLong = 'x'.repeat(messageBytes - 1)
  expect(await agent.request(subjects.state(ann), tooLong, answered)).toMatchObject({
    kind: 'refused',
    reason: expect.stringContaining(String(messageBytes)),
  })
  expect(coordinator.publish(subjects.beat, tooLong)).toBe(false)
  // One who does not keep to it.
  agent.connection?.publish(subjects.state(ann), `"${tooLong}"`)
  agent.connection?.publish(subjects.state(ann), `"${tooLong.slice(1)}"`)
  await vi.waitFor(() => expect(inbox.received).toHaveLength(1), patience)
  expect(inbox.received[0]?.data.length).toBe(messageBytes)
  expect(coordinator.refused.total).toBe(1)
})

test('an answer that is too large is not sent', async () => {
  const { coordinator, agent } = await pair()
  const sent: (boolean | undefined)[] = []
  using _states = coordinator.subscribe(subjects.state(ann), ({ respond }) => {
    sent.push(respond?.('x'.repeat(messageBytes)), respond?.('fits'))
  })
  await coordinator.connection?.flush()
  expect(await agent.request(subjects.state(ann), {}, answered)).toMatchObject({ kind: 'answer' })
  expect(sent).toEqual([false, true])
})

test('requests without end are refused, not piled up', async () => {
  const { coordinator, agent } = await pair()
  using _silent = coordinator.subscribe(subjects.state(ann), () => undefined)
  await coordinator.connection?.flush()
  const answers = await Promise.all(
    Array.from({ length: 300 }, () => agent.request(subjects.state(ann), {}, { timeoutMs: 100 })),
  )
  expect(answers.filter(({ kind }) => kind === 'timeout')).toHaveLength(256)
  expect(answers.filter(({ kind }) => kind === 'refused')).toHaveLength(44)
})

test('a fault in a handler costs neither the connection nor the subscription', async () => {
  const { coordinator, agent } = await pair()
  let isFirst = true
  using _states = coordinator.subscribe(subjects.state(ann), ({ respond }) => {
    if (isFirst) {
      isFirst = false
      throw new Error('a fault')
    }
    respond?.({})
  })
  await coordinator.connection?.flush()
  expect(await agent.request(subjects.state(ann), {}, { timeoutMs: 50 })).toEqual({ kind: 'timeout' })
  expect(await agent.request(subjects.state(ann), {}, answered)).toMatchObject({ kind: 'answer' })
})

test('a wrong key is said clearly, and tried again until somebody adds it', async () => {
  const link = server.link('carol')
  await vi.waitFor(() => expect(link.problem).toMatchObject({ code: 'nats_auth', retryable: true }), patience)
  expect(link.connected).toBe(false)
  expect(await link.request(subjects.state(nodeIdOf('carol')), {}, answered)).toEqual({ kind: 'disconnected' })
  await server.server.reload(server.users(['ann', 'ben', 'carol']))
  await link.whenConnected(AbortSignal.timeout(patience.timeout))
  expect(link.problem).toBeUndefined()
})

test('a stolen key is of no use to a node that is no longer known', async () => {
  await server.server.reload(server.users(['ann', 'ben', 'dora']))
  const [dora, agent] = [server.link('dora'), server.link('ann')]
  await Promise.all([dora.whenConnected(), agent.whenConnected()])
  const before = agent.connection
  await server.server.reload(server.users(['ann', 'ben']))
  await vi.waitFor(() => expect(dora.problem).toMatchObject({ code: 'nats_auth' }), patience)
  expect(agent.connection).toBe(before)
  expect(agent.connected).toBe(true)
})

test.each([
  ['by a number', (port: number) => `tls://127.0.0.1:${port}`],
  ['by a name', (port: number) => `tls://localhost:${port}`],
  ['after a member that is away', (port: number) => `tls://127.0.0.1:1,nats://localhost:${port}`],
])('the pinned certificate is trusted whatever was dialled: %s', async (_name, url) => {
  const link = server.link('ann', { url: url(server.port) })
  await link.whenConnected(AbortSignal.timeout(patience.timeout))
})

test('another certificate is refused', async () => {
  const { cert } = await makeServerCertificate(['localhost', '127.0.0.1'])
  const link = server.link('ann', { credentials: { ...server.credentials('ann'), server: cert } })
  await vi.waitFor(() => expect(link.problem).toMatchObject({ code: 'nats_certificate', retryable: true }), patience)
})

test('a self-signed certificate that nobody pinned is refused', async () => {
  const credentials = { ...server.credentials('ann'), server: null }
  const link = server.link('ann', { credentials, url: `tls://localhost:${server.port}` })
  await vi.waitFor(() => expect(link.problem).toMatchObject({ code: 'nats_certificate' }), patience)
})

test("a certificate that the system's authorities vouch for needs no pin, but the right name", async () => {
  const before = getCACertificates()
  await using other = await startTestServer({ nodes: ['ann'], certificateHosts: ['localhost'] })
  setDefaultCACertificates([...before, other.server.certificate])
  try {
    const credentials = { ...other.credentials('ann'), server: null }
    const right = other.link('ann', { credentials, url: `tls://localhost:${other.port}` })
    await right.whenConnected(AbortSignal.timeout(patience.timeout))
    const wrong = other.link('ann', { credentials, url: `tls://127.0.0.1:${other.port}` })
    await vi.waitFor(() => expect(wrong.problem).toMatchObject({ code: 'nats_certificate' }), patience)
    expect(wrong.problem?.message).toContain('altnames')
  } finally {
    setDefaultCACertificates(before)
  }
})

test('the options that a connection is made with are the ones that the library knows', async () => {
  const { agent } = await pair()
  const { protocol, options } = agent.connection as NatsConnection & NatsConnectionImpl
  expect(protocol.heartbeats).toMatchObject({ interval: 120_000, maxOut: 2 })
  expect(protocol.transport.isEncrypted()).toBe(true)
  expect(protocol.muxSubscriptions.baseInbox ?? options.inboxPrefix).toContain(`_INBOX_${ann}`)
  expect(agent.wireBytes.received).toBeGreaterThan(500)
})

test('a link can be closed before it was ever connected, and while it waits', async () => {
  const port = await freePort()
  const waiting = server.link('ann', { url: `tls://127.0.0.1:${port}` })
  await vi.waitFor(() => expect(waiting.problem).toMatchObject({ code: 'nats_unreachable' }), patience)
  await waiting[Symbol.asyncDispose]()
  const fresh = server.link('ann', { credentials: createCredentials({ node: ann, name: 'ann', server: null }) })
  await fresh[Symbol.asyncDispose]()
  expect([waiting.connected, fresh.connected]).toEqual([false, false])
})

test('what was said last arrives before a link is closed', async () => {
  const { coordinator, agent } = await pair()
  const inbox = createInbox()
  using _beats = agent.subscribe(subjects.beat, inbox.handler)
  await agent.connection?.flush()
  expect(coordinator.publish(subjects.beat, 'farewell')).toBe(true)
  await coordinator[Symbol.asyncDispose]()
  await vi.waitFor(() => expect(inbox.texts).toEqual(['"farewell"']), patience)
})
