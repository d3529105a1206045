import { readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig } from '@spansync/common/config/file'
import type { Config } from '@spansync/common/config/schema'
import { initialConfig } from '@spansync/common/config/template'
import type { NodeId } from '@spansync/common/core/causal/types'
import type { Link } from '@spansync/common/ports'
import type { Message, MessageOf } from '@spansync/common/protocol/messages'
import { systemClock } from '@spansync/common/runtime/clock'
import { silentLogger } from '@spansync/common/runtime/logger'
import { patience } from '@spansync/common/testing/patience'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { createIdentity, type Identity, loadIdentity, replaceIdentity } from '../transport/identity.ts'
import { Membership } from './membership.ts'
import { certificateOf, state } from './statement.ts'

vi.mock('../transport/identity.ts', async (original) => {
  const real = await original<typeof import('../transport/identity.ts')>()
  return { ...real, replaceIdentity: vi.fn(real.replaceIdentity) }
})

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'spansync-membership-'))
})
afterEach(() => rm(directory, { recursive: true }))

const homeOf = (name: string): string => join(directory, name)

async function setUp(name: string): Promise<Identity> {
  const identity = await createIdentity(homeOf(name))
  writeFileSync(join(homeOf(name), 'config.yaml'), initialConfig({ name, listen: '0.0.0.0:22070' }))
  return identity
}

/** A running node as its peers and its configuration see it. `config` is what is in force. */
async function start(name: string) {
  const home = homeOf(name)
  const identity = await loadIdentity(home)
  const links: Link[] = []
  let config: Config = loadConfig(home)
  const cut = vi.fn()
  const membership = new Membership({
    ...{ home, identity, clock: systemClock, log: silentLogger, cut },
    config: () => config,
    changed: async () => {
      config = loadConfig(home)
    },
    links: () => links,
    offers: () => [],
    introduction: async () => undefined,
  })
  return { identity, membership, links, cut, peers: () => config.peers }
}

/** What is sent over it is kept. */
function linkTo({ id }: Identity, name: string): { link: Link; sent: Message[] } {
  const sent: Message[] = []
  const link = { peer: id, name, dialed: true, address: '', send: (message: Message) => sent.push(message) }
  return { link: link as unknown as Link, sent }
}

const rosters = (sent: readonly Message[]): MessageOf<'roster'>[] =>
  sent.filter((message): message is MessageOf<'roster'> => message.type === 'roster')

function addPeer(name: string, peer: string, { id }: Identity): void {
  const file = join(homeOf(name), 'config.yaml')
  const text = readFileSync(file, 'utf8').replace(/^peers: .*$/m, '')
  const lines = [
    'peers:',
    `  ${peer}: # mine`,
    `    id: ${id}`,
    '    addresses: [192.0.2.7:22070]',
    '    pricePerGb: 4',
  ]
  writeFileSync(file, `${text.trimEnd()}\n${lines.join('\n')}\n`)
}

it('puts the new key in the place of the old one, in the configuration and out of force, also after a restart', async () => {
  const [own, other] = [await setUp('a'), await setUp('b')]
  addPeer('a', 'bob', other)
  const node = await start('a')
  const { after } = await replaceIdentity(homeOf('b'))
  expect(node.membership.meet(certificateOf(own))).toBe(false)
  expect(node.membership.meet(certificateOf(after))).toBe(true)
  await vi.waitFor(() => expect(node.peers().bob?.id).toBe(after.id), patience)
  expect(node.peers().bob).toMatchObject({ addresses: ['192.0.2.7:22070'], pricePerGb: 4 })
  expect(readFileSync(join(homeOf('a'), 'config.yaml'), 'utf8')).toContain('# mine')
  expect(node.cut).toHaveBeenCalled()
  for (const { membership } of [node, await start('a')]) {
    expect([membership.isShutOut(other.id), membership.isShutOut(after.id)]).toEqual([true, false])
    expect(membership.formerIds(after.id)).toEqual([other.id])
  }
})

it('tells whoever is connected before it starts anew, and shows it by itself afterwards', async () => {
  const [own, other] = [await setUp('a'), await setUp('b')]
  addPeer('a', 'bob', other)
  addPeer('b', 'ann', own)
  const node = await start('a')
  const { link, sent } = linkTo(other, 'bob')
  node.links.push(link)
  const id = await node.membership.rotate()
  expect(id).not.toBe(own.id)
  const [told] = rosters(sent)
  const peer = await start('b')
  peer.membership.receive(linkTo(own, 'ann').link, told as MessageOf<'roster'>)
  await vi.waitFor(() => expect(peer.peers().ann?.id).toBe(id), patience)
  const again = await start('a')
  expect([again.identity.id, again.membership.isShutOut(own.id)]).toEqual([id, true])
  const later = linkTo(other, 'bob')
  again.membership.linkUp(later.link)
  expect(rosters(later.sent)[0]?.rotations).toEqual(told?.rotations)
})

it('has its new key also when something went wrong after the old one was replaced', async () => {
  const [own, other] = [await setUp('a'), await setUp('b')]
  addPeer('a', 'bob', other)
  const node = await start('a')
  const { link, sent } = linkTo(other, 'bob')
  node.links.push(link)
  const real = vi.mocked(replaceIdentity).getMockImplementation()
  vi.mocked(replaceIdentity).mockImplementationOnce(async (home) => {
    await real?.(home)
    throw new Error('EIO')
  })
  const id = await node.membership.rotate()
  expect([id === own.id, (await loadIdentity(homeOf('a'))).id]).toEqual([false, id])
  expect(rosters(sent)).toHaveLength(1)
})

it('says what went wrong before the old key was replaced', async () => {
  const own = await setUp('a')
  const { membership } = await start('a')
  vi.mocked(replaceIdentity).mockRejectedValueOnce(new Error('EIO'))
  await expect(membership.rotate()).rejects.toThrow('EIO')
  expect([await loadIdentity(homeOf('a')), membership.isShutOut(own.id)]).toEqual([own, false])
})

it('where nobody has invited or joined, it takes a new key from the old one, and nobody’s word on others', async () => {
  const [other, third] = [await setUp('b'), await setUp('c')]
  await setUp('a')
  addPeer('a', 'bob', other)
  const node = await start('a')
  const statement = { subject: third.id, name: 'c', addresses: [], state: 'member', version: 1, at: 0 } as const
  const { after } = await replaceIdentity(homeOf('b'))
  const rotations = [certificateOf(after).toString('base64')]
  node.membership.receive(linkTo(other, 'bob').link, { statements: [state(other, statement)], rotations })
  await vi.waitFor(() => expect(node.peers().bob?.id).toBe(after.id), patience)
  expect(Object.keys(node.peers())).toEqual(['bob'])
  expect(JSON.parse(readFileSync(join(homeOf('a'), 'members.json'), 'utf8'))).toMatchObject({
    takesPart: false,
    statements: [],
  })
})

it('what could not be written into the configuration is in force all the same, and written at the next start', async () => {
  const other = await setUp('b')
  await setUp('a')
  addPeer('a', 'bob', other)
  const node = await start('a')
  const file = join(homeOf('a'), 'config.yaml')
  const good = readFileSync(file, 'utf8')
  writeFileSync(file, 'peers: [')
  const { after } = await replaceIdentity(homeOf('b'))
  node.membership.meet(certificateOf(after))
  await vi.waitFor(() => expect(node.membership.isShutOut(other.id)).toBe(true), patience)
  writeFileSync(file, good)
  const again = await start('a')
  again.membership.start()
  await vi.waitFor(() => expect(again.peers().bob?.id).toBe(after.id), patience)
})

it('keeps its key when the list has no room for another: nobody would hear of the new one', async () => {
  const own = await setUp('a')
  const statements = Array.from({ length: 1000 }, (_, at) => {
    const subject = at.toString(16).padStart(64, '0') as NodeId
    return state(own, { subject, name: `n-${at}`, addresses: [], state: 'member', version: 1, at: 0 })
  })
  writeFileSync(join(homeOf('a'), 'members.json'), JSON.stringify({ version: 1, statements }))
  const { membership } = await start('a')
  await expect(membership.rotate()).rejects.toMatchObject({
    code: 'no_room_for_key',
    remedy: expect.stringContaining('join again'),
  })
  expect(await loadIdentity(homeOf('a'))).toEqual(own)
})
