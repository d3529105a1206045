import { X509Certificate } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { idOfCertificate } from '@spansync/common/adapters/certificate/lineage'
import { makeNodeCertificate } from '@spansync/common/adapters/certificate/make'
import { signText } from '@spansync/common/adapters/certificate/signed'
import { type Credentials, createCredentials, publicKeyOf } from '@spansync/common/adapters/nats/credentials'
import { subjects } from '@spansync/common/protocol/coordination'
import { type Enrolment, enrolmentText } from '@spansync/common/protocol/enrolment'
import { systemClock } from '@spansync/common/runtime/clock'
import { createLogger } from '@spansync/common/runtime/logger'
import { patience } from '@spansync/common/testing/patience'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { nodeIdOf, startTestServer, type TestServer } from '../nats/testing/test-server.ts'
import { openStore } from '../store/open-store.ts'
import type { Epoch, Store } from '../store/store.ts'
import { Enroller } from './enroller.ts'

const ann = nodeIdOf('ann')
const stack = new AsyncDisposableStack()
let server: TestServer
let store: Store
const warned: { event?: string; reason?: string }[] = []
const log = createLogger({ level: 'warn', destination: { write: (line) => void warned.push(JSON.parse(line)) } })
let readSettings = () => store.settings.read()

beforeAll(async () => {
  const directory = await mkdtemp(join(tmpdir(), 'spansync-enrol-'))
  stack.defer(() => rm(directory, { recursive: true }))
  server = stack.use(await startTestServer({ nodes: ['ann'] }))
  store = stack.use(await openStore(`sqlite:${join(directory, 'store.sqlite')}`, { clock: systemClock }))
  const acquired = await store.lease.acquire('test', 60_000)
  const epoch = (acquired as { epoch: Epoch }).epoch
  await store.nodes.put({ id: ann, name: 'ann', nkey: publicKeyOf(server.credentials('ann')), addedAt: 0 }, epoch)
  const link = server.link('coordinator')
  const changed = async (): Promise<void> => {
    const { coordinators } = server.users([])
    await server.server.reload({ coordinators, nodes: await store.nodes.list() })
  }
  const faulty: Pick<Store, 'nodes' | 'settings'> = {
    settings: { replace: (...args) => store.settings.replace(...args), read: async () => readSettings() },
    nodes: store.nodes,
  }
  const options = { store: faulty, epoch, link, clock: systemClock, log, changed, isForeign: false }
  const enroller = stack.use(new Enroller(options))
  enroller.start()
  await link.whenConnected()
  await link.connection?.flush()
})
afterAll(() => stack.disposeAsync())

interface Node {
  readonly key: string
  readonly cert: string
  readonly credentials: Credentials
}

async function makeNode(before?: Node): Promise<Node> {
  const former = before && { ...before, id: before.credentials.node as typeof ann }
  const made = await makeNodeCertificate(former)
  const node = idOfCertificate(new X509Certificate(made.cert).raw)
  return { ...made, credentials: createCredentials({ node, name: 'laptop', server: server.server.certificate }) }
}

function enrolmentOf({ key, cert, credentials }: Node): Enrolment {
  const certificate = new X509Certificate(cert).raw.toString('base64')
  const unsigned = { certificate, name: 'laptop', nkey: publicKeyOf(credentials), at: Date.now() }
  return { ...unsigned, signature: signText(key, enrolmentText(unsigned)) }
}

async function ask(asking: ReturnType<TestServer['link']>, by: string, what: unknown): Promise<unknown> {
  await asking.whenConnected()
  const answer = await asking.request(subjects.enrol(by as typeof ann), what, { timeoutMs: 20_000 })
  return answer.kind === 'answer' ? JSON.parse(new TextDecoder().decode(answer.data)) : answer
}

async function connected(link: ReturnType<TestServer['link']>): Promise<void> {
  await vi.waitFor(() => {
    link.nudge()
    expect(link.connected).toBe(true)
  }, patience)
}

test('a node that a member brings can connect, and speaks for itself only', async () => {
  const node = await makeNode()
  const link = server.link('laptop', { credentials: node.credentials })
  await vi.waitFor(() => expect(link.problem?.code).toBe('nats_auth'), patience)
  expect(await ask(server.link('ann'), ann, enrolmentOf(node))).toEqual({ outcome: 'enrolled', reason: '' })
  await connected(link)
  expect(await link.request(subjects.state(ann), {}, { timeoutMs: 20_000 })).toMatchObject({ kind: 'refused' })
  expect((await store.nodes.list()).map(({ name }) => name).sort()).toEqual(['ann', 'laptop'])
})

test('a node with a new key brings itself with its former credentials, which then are worth nothing', async () => {
  const before = await makeNode()
  await ask(server.link('ann'), ann, enrolmentOf(before))
  const { node } = before.credentials
  const { settings, version } = await store.settings.read()
  const leafOnly = [node as typeof ann]
  await store.settings.replace({ expected: version, settings: { ...settings, leafOnly }, by: 'person' })
  const former = server.link('former', { credentials: before.credentials })
  const after = await makeNode(before)
  expect(await ask(former, node, enrolmentOf(after))).toMatchObject({ outcome: 'enrolled' })
  await connected(server.link('new', { credentials: after.credentials }))
  await vi.waitFor(() => expect(former.connected).toBe(false), patience)
  await vi.waitFor(() => expect(former.problem?.code).toBe('nats_auth'), patience)
  expect((await store.nodes.list()).map(({ id }) => id)).not.toContain(node)
  expect((await store.settings.read()).settings.leafOnly).toEqual([after.credentials.node])
})

test('nobody asks in the name of another, and what is malformed is refused', async () => {
  const node = await makeNode()
  const link = server.link('ann')
  expect(await ask(link, nodeIdOf('ben'), enrolmentOf(node))).toMatchObject({ kind: 'refused' })
  expect(await ask(link, ann, { ...enrolmentOf(node), nkey: 'Uabc' })).toMatchObject({ outcome: 'refused' })
  const stolen = { ...enrolmentOf(node), nkey: publicKeyOf(createCredentials({ ...node.credentials })) }
  expect(await ask(link, ann, stolen)).toMatchObject({ outcome: 'refused' })
})

test('a node that a person has removed stays out, also when its old wish is brought again, until it is added', async () => {
  const node = await makeNode()
  const wish = enrolmentOf(node)
  const link = server.link('ann')
  const id = node.credentials.node as typeof ann
  expect(await ask(link, ann, wish)).toMatchObject({ outcome: 'enrolled' })
  await connected(server.link('in', node))
  await store.nodes.remove(id, 'person')
  const refused = { outcome: 'refused', reason: 'removed here: `nodes add` lets it in again' }
  expect(await ask(link, ann, wish)).toEqual(refused)
  expect(await ask(link, ann, enrolmentOf(node))).toEqual(refused)
  expect(warned.filter(({ reason }) => reason === refused.reason)).toHaveLength(1)
  expect(await ask(link, ann, enrolmentOf(await makeNode(node)))).toEqual(refused)
  await store.nodes.put({ id, name: 'added', nkey: wish.nkey, addedAt: 0 }, 'person')
  expect(await ask(link, ann, wish)).toMatchObject({ outcome: 'enrolled' })
})

test('a key that was replaced does not come back by an old wish', async () => {
  const before = await makeNode()
  const wish = enrolmentOf(before)
  const link = server.link('ann')
  await ask(link, ann, wish)
  await connected(server.link('before', before))
  const after = await makeNode(before)
  expect(await ask(link, ann, enrolmentOf(after))).toMatchObject({ outcome: 'enrolled' })
  await connected(server.link('after', after))
  expect(await ask(link, ann, wish)).toMatchObject({ outcome: 'refused' })
})

test('a replacement that was broken off in the middle is finished when the node asks again', async () => {
  const before = await makeNode()
  const link = server.link('ann')
  await ask(link, ann, enrolmentOf(before))
  await connected(server.link('before', before))
  const { node } = before.credentials
  const { settings, version } = await store.settings.read()
  await store.settings.replace({
    expected: version,
    settings: { ...settings, leafOnly: [node as typeof ann] },
    by: 'person',
  })
  const after = await makeNode(before)
  const read = readSettings
  readSettings = () => Promise.reject(new Error('the store is gone'))
  expect(await ask(link, ann, enrolmentOf(after))).toEqual({ outcome: 'away', reason: 'the store is gone' })
  expect((await store.nodes.list()).map(({ id }) => id)).toEqual(expect.arrayContaining([node, after.credentials.node]))
  readSettings = read
  expect(await ask(link, ann, enrolmentOf(after))).toMatchObject({ outcome: 'enrolled' })
  expect((await store.nodes.list()).map(({ id }) => id)).not.toContain(node)
  expect((await store.settings.read()).settings.leafOnly).toEqual([after.credentials.node])
})
