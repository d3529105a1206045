import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jetstreamManager } from '@nats-io/jetstream'
import type { NatsLink } from '@spansync/common/adapters/nats/nats-link'
import { type Report, reportStream, subjects } from '@spansync/common/protocol/coordination'
import { systemClock } from '@spansync/common/runtime/clock'
import { silentLogger } from '@spansync/common/runtime/logger'
import { patience } from '@spansync/common/testing/patience'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { consumerName, openReportStream } from './report-stream.ts'
import { Reports } from './reports.ts'
import { nodeIdOf, startTestServer, type TestServer } from './testing/test-server.ts'

const [ann, ben] = [nodeIdOf('ann'), nodeIdOf('ben')]
let directory = ''
let server: TestServer
let coordinator: NatsLink
let agent: NatsLink

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'spansync-reports-'))
  server = await startTestServer({ directory, nodes: ['ann'] })
  coordinator = server.link('coordinator')
  agent = server.link('ann')
  await Promise.all([coordinator.whenConnected(), agent.whenConnected()])
})

afterEach(async () => {
  await server[Symbol.asyncDispose]()
  await rm(directory, { recursive: true, force: true })
})

function reportOf(id: string, changes: object = {}): Report {
  const base = { id, node: ann, peer: ben, folder: 'docs', direction: 'sent', files: 1, bytes: 10, startedAt: 1 }
  return { ...base, durationMs: 5, outcome: 'done', ...changes } as Report
}

function collect(handle: (reports: readonly Report[]) => Promise<void> = async () => undefined) {
  const taken: string[] = []
  const reports = new Reports({
    link: coordinator,
    clock: systemClock,
    log: silentLogger,
    retakeMs: 100,
    handle: async (batch) => {
      await handle(batch)
      taken.push(...batch.map(({ id }) => id))
    },
  })
  reports.start()
  return { reports, taken }
}

/** As an agent does: again and again until it is stored. */
async function deliver(id: string, payload: unknown = reportOf(id)) {
  return vi.waitFor(async () => {
    const delivery = await agent.publishReport(subjects.report(ann), payload, { messageId: id, timeoutMs: 1000 })
    if (delivery.kind !== 'stored') throw new Error(`${delivery.kind} ${'reason' in delivery ? delivery.reason : ''}`)
    return delivery
  }, patience)
}

test('a report arrives once, however often it is sent', async () => {
  const { reports, taken } = collect()
  await using _reports = reports
  expect(await deliver('one')).toEqual({ kind: 'stored', duplicate: false })
  expect(await deliver('one')).toEqual({ kind: 'stored', duplicate: true })
  await deliver('two')
  await vi.waitFor(() => expect(taken).toEqual(['one', 'two']), patience)
})

test('without a stream nobody takes reports, and that is said', async () => {
  expect(await agent.publishReport(subjects.report(ann), reportOf('x'), { messageId: 'x', timeoutMs: 20_000 })).toEqual(
    {
      kind: 'nobody',
    },
  )
})

test('what could not be stored comes again, and only that', async () => {
  let isFull = true
  const { reports, taken } = collect(async () => {
    if (isFull) throw new Error('disk full')
  })
  await using _reports = reports
  await deliver('one')
  const manager = await jetstreamManager(coordinator.connection ?? fail())
  const info = () => manager.consumers.info(reportStream, consumerName)
  await vi.waitFor(async () => expect((await info()).num_ack_pending).toBe(1), patience)
  expect(taken).toEqual([])
  isFull = false
  await vi.waitFor(() => expect(taken).toEqual(['one']), patience)
  await vi.waitFor(async () => expect((await info()).num_ack_pending).toBe(0), patience)
})

test('a hundred reports come in few batches, in their order', async () => {
  await openReportStream(coordinator.connection ?? fail(), 1)
  const ids = Array.from({ length: 100 }, (_, i) => `report ${i}`)
  for (const id of ids) await deliver(id)
  const sizes: number[] = []
  const { reports, taken } = collect(async (batch) => {
    sizes.push(batch.length)
  })
  await using _reports = reports
  await vi.waitFor(() => expect(taken).toEqual(ids), patience)
  expect(sizes.length).toBeLessThan(50)
})

test('reports outlive the server, and their taking goes on after its restart', async () => {
  const { reports, taken } = collect()
  await using _reports = reports
  await deliver('one')
  await vi.waitFor(() => expect(taken).toEqual(['one']), patience)
  const lost = once(agent.events, 'disconnected')
  process.kill(server.server.pid ?? 0, 'SIGKILL')
  await lost
  await deliver('two')
  await vi.waitFor(() => expect(taken).toContain('two'), patience)
})

test('what nobody took while the coordinator was away is taken later, and what was taken is not', async () => {
  const first = collect()
  await deliver('one')
  await vi.waitFor(() => expect(first.taken).toEqual(['one']), patience)
  await first.reports[Symbol.asyncDispose]()
  await deliver('two')
  const second = collect()
  await using _reports = second.reports
  await vi.waitFor(() => expect(second.taken).toEqual(['two']), patience)
})

test('what does not fit is dropped for good, and does not hold up the rest', async () => {
  const { reports, taken } = collect()
  await using _reports = reports
  await deliver('malformed', { id: 'malformed' })
  await deliver('of another', reportOf('of another', { node: ben }))
  await deliver('good')
  await vi.waitFor(() => expect(taken).toEqual(['good']), patience)
  expect(coordinator.refused.total).toBe(2)
  const manager = await jetstreamManager(coordinator.connection ?? fail())
  await vi.waitFor(async () => {
    expect((await manager.consumers.info(reportStream, consumerName)).num_ack_pending).toBe(0)
  }, patience)
})

test('a report that is too large is refused by the stream', async () => {
  await openReportStream(coordinator.connection ?? fail(), 1)
  const payload = reportOf('big', { reason: 'x'.repeat(20_000) })
  expect(await agent.publishReport(subjects.report(ann), payload, { messageId: 'big', timeoutMs: 20_000 })).toEqual({
    kind: 'refused',
    reason: expect.stringContaining('maximum'),
  })
})

test('the server has taken over every setting, also where an earlier version left others', async () => {
  const nats = coordinator.connection ?? fail()
  const manager = await jetstreamManager(nats)
  await manager.streams.add({ name: reportStream, subjects: [subjects.report('*')], max_bytes: 1_000_000 })
  await manager.consumers.add(reportStream, { durable_name: consumerName, ack_policy: 'explicit', max_ack_pending: 5 })
  await openReportStream(nats, 1)
  await openReportStream(nats, 1)
  expect((await manager.streams.info(reportStream)).config).toMatchObject({
    subjects: [subjects.report('*')],
    storage: 'file',
    retention: 'limits',
    discard: 'old',
    max_age: 30 * 86_400e9,
    max_bytes: 256 * 1024 * 1024,
    max_msg_size: 16 * 1024,
    duplicate_window: 120e9,
    num_replicas: 1,
  })
  expect((await manager.consumers.info(reportStream, consumerName)).config).toMatchObject({
    durable_name: consumerName,
    ack_policy: 'explicit',
    deliver_policy: 'all',
    ack_wait: 60e9,
    max_ack_pending: 512,
  })
})

function fail(): never {
  throw new Error('not connected')
}
