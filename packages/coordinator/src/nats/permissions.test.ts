import { subjects } from '@spansync/common/protocol/coordination'
import { createLogger } from '@spansync/common/runtime/logger'
import { patience } from '@spansync/common/testing/patience'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createInbox } from './testing/inbox.ts'
import { nodeIdOf, startTestServer, type TestServer } from './testing/test-server.ts'

const [ann, ben] = [nodeIdOf('ann'), nodeIdOf('ben')]
const answered = { timeoutMs: 20_000 }
let server: TestServer

beforeAll(async () => {
  server = await startTestServer({ nodes: ['ann', 'ben'] })
})

afterAll(() => server[Symbol.asyncDispose]())

async function links() {
  const [coordinator, agent, other] = [server.link('coordinator'), server.link('ann'), server.link('ben')]
  await Promise.all([coordinator, agent, other].map((link) => link.whenConnected()))
  return { coordinator, agent, other }
}

test('a node says its state and is answered; the coordinator orders and is answered', async () => {
  const { coordinator, agent } = await links()
  using _states = coordinator.subscribe(subjects.state('*'), ({ subject, respond }) => {
    respond?.({ to: subjects.nodeOf(subject) })
  })
  using _orders = agent.subscribe(subjects.order(ann), ({ respond }) => {
    respond?.({ accepted: true })
  })
  await vi.waitFor(async () => {
    expect(textOf(await agent.request(subjects.state(ann), {}, answered))).toBe(`{"to":"${ann}"}`)
    expect(textOf(await coordinator.request(subjects.order(ann), {}, answered))).toBe('{"accepted":true}')
  }, patience)
})

test('beats reach every node', async () => {
  const { coordinator, agent, other } = await links()
  const [one, two] = [createInbox(), createInbox()]
  using _one = agent.subscribe(subjects.beat, one.handler)
  using _two = other.subscribe(subjects.beat, two.handler)
  await vi.waitFor(() => {
    coordinator.publish(subjects.beat, { epoch: 1 })
    expect([one.texts[0], two.texts[0]]).toEqual(['{"epoch":1}', '{"epoch":1}'])
  }, patience)
})

test.each([
  ['the state of another', subjects.state(ben)],
  ['a report of another', subjects.report(ben)],
  ['an enrolment in the name of another', subjects.enrol(ben)],
  ['an order', subjects.order(ben)],
  ['a beat', subjects.beat],
  ['into the inbox of another', `_INBOX_${ben}.x`],
  ['into the inbox of the coordinator', '_INBOX_coordinator.x'],
  ['to JetStream', '$JS.API.STREAM.NAMES'],
  ['to the system', '$SYS.REQ.SERVER.PING'],
])('a node cannot publish %s', async (_name, subject) => {
  const { agent } = await links()
  expect(await agent.request(subject, {}, answered)).toEqual({
    kind: 'refused',
    reason: `Permissions Violation for Publish to "${subject}"`,
  })
})

test.each([
  ['everything', '>'],
  ['the orders of another', subjects.order(ben)],
  ['the states', subjects.state('*')],
  ['the reports', subjects.report('*')],
  ['the inbox of another', `_INBOX_${ben}.>`],
  ['the inbox of the coordinator', '_INBOX_coordinator.>'],
])('a node cannot hear %s', async (_name, subject) => {
  const warnings: unknown[] = []
  const log = createLogger({ level: 'warn', destination: { write: (line) => warnings.push(JSON.parse(line)) } })
  const link = server.link('ann', { log })
  const inbox = createInbox()
  using _all = link.subscribe(subject, inbox.handler)
  await vi.waitFor(() => expect(warnings).toMatchObject([{ event: 'nats.subscription_denied', subject }]), patience)
  const { coordinator, other } = await links()
  using _orders = other.subscribe(subjects.order(ben), ({ respond }) => {
    respond?.('yes')
  })
  await vi.waitFor(async () => {
    expect(await coordinator.request(subjects.order(ben), {}, answered)).toMatchObject({ kind: 'answer' })
  }, patience)
  await other.request(subjects.state(ben), {}, answered)
  await link.connection?.flush()
  expect(inbox.received).toEqual([])
})

test('a question is answered once', async () => {
  const { coordinator, agent } = await links()
  using _orders = agent.subscribe(subjects.order(ann), ({ respond }) => {
    respond?.('first')
    respond?.('second')
  })
  const answers: string[] = []
  using _inbox = coordinator.subscribe('_INBOX_coordinator.own', ({ data }) =>
    answers.push(new TextDecoder().decode(data)),
  )
  await vi.waitFor(() => {
    coordinator.connection?.publish(subjects.order(ann), '{}', { reply: '_INBOX_coordinator.own' })
    expect(answers.length).toBeGreaterThan(0)
  }, patience)
  await agent.connection?.flush()
  await coordinator.connection?.flush()
  expect(new Set(answers)).toEqual(new Set(['"first"']))
})

function textOf(answer: { kind: string; data?: Uint8Array }): string {
  return answer.kind === 'answer' ? new TextDecoder().decode(answer.data) : answer.kind
}
