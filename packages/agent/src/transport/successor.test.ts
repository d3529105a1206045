import { X509Certificate } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { lineageOf } from '@spansync/common/adapters/certificate/lineage'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createIdentity, type Identity, replaceIdentity } from './identity.ts'
import { LoopbackNode } from './testing/loopback.ts'

let directory: string
let own: Identity
let old: Identity
let renewed: Identity
const open: AsyncDisposable[] = []
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'spansync-successor-'))
  own = await createIdentity(join(directory, 'own'))
  old = await createIdentity(join(directory, 'other'))
  renewed = (await replaceIdentity(join(directory, 'other'))).after
})
afterEach(async () => {
  for (const item of open.splice(0).reverse()) await item[Symbol.asyncDispose]()
  await rm(directory, { recursive: true })
})

/** One that knows the old key only, and takes the new one in its place when it is shown. */
async function startKnowing(addresses: readonly string[]): Promise<LoopbackNode> {
  const node = new LoopbackNode(own, 'a', {
    meet: (certificate) => {
      const [found] = lineageOf(certificate)
      if (found?.replaces !== old.id) return false
      queueMicrotask(() => node.transport.setPeers([{ id: found.subject, name: 'b', addresses }]))
      return true
    },
  })
  open.push(node)
  await node.transport.start()
  node.transport.setPeers([{ id: old.id, name: 'b', addresses }])
  return node
}

async function startRenewed(): Promise<LoopbackNode> {
  const node = new LoopbackNode(renewed, 'b')
  open.push(node)
  await node.transport.start()
  return node
}

it('a peer that dials with a new key is known by it', async () => {
  const [a, b] = [await startKnowing([]), await startRenewed()]
  b.transport.setPeers([a.asPeer({ dialable: true })])
  await a.until(({ ups }) => ups.length > 0)
  expect(a.link.peer).toBe(renewed.id)
  expect(a.logs.filter(({ event }) => event === 'transport.stranger')).toEqual([])
})

it('a peer that is dialled and answers with a new key is known by it', async () => {
  const b = await startRenewed()
  b.transport.setPeers([{ id: own.id, name: 'a', addresses: [] }])
  const a = await startKnowing([b.address])
  await a.until(({ ups }) => ups.length > 0)
  expect(a.link.peer).toBe(renewed.id)
})

it('nothing is said to a stranger that claims the place of somebody else', async () => {
  const thief = (await replaceIdentity(join(directory, 'own'))).after
  const a = await startKnowing([])
  const stranger = new LoopbackNode(thief, 'x')
  open.push(stranger)
  await stranger.transport.start()
  stranger.transport.setPeers([a.asPeer({ dialable: true })])
  await a.until(({ logs }) => logs.some(({ event }) => event === 'transport.stranger'))
  expect([a.ups, stranger.ups]).toEqual([[], []])
})

it('shows it in some hundred bytes', () => {
  const size = ({ cert }: Identity): number => new X509Certificate(cert).raw.length
  expect(size(renewed) - size(old)).toBeLessThan(500)
})
