import type { NodeId } from '@spansync/common/core/causal/types'
import { decode, encode } from 'dns-packet'
import { expect, test } from 'vitest'
import { announcement, readAnnouncements } from './announcement.ts'
import { discovers, isOnLink, ownNetworks } from './networks.ts'

const id = 'ab'.repeat(32) as NodeId
const here = { id, port: 22070, address: '192.168.1.7' }

test('what one node says, another one reads, over the wire', () => {
  const packet = decode(encode({ type: 'response', answers: announcement(here) }))
  expect(readAnnouncements(packet.answers ?? [])).toEqual([{ id, addresses: ['192.168.1.7:22070'], gone: false }])
  const goodbye = decode(encode({ type: 'response', answers: announcement(here, { gone: true }) }))
  expect(readAnnouncements(goodbye.answers ?? [])).toMatchObject([{ id, gone: true }])
})

test('no name of a folder or a machine is in it', () => {
  const text = JSON.stringify(announcement(here)).replaceAll(id, '').replaceAll(id.slice(0, 32), '')
  expect(
    text.match(/"(?:name|data|target)":"[^"]*"/g)?.every((part) => /_spansync|id=|\.local|192\.168/.test(part)),
  ).toBe(true)
})

const [pointer, place, text, host] = announcement(here)
test.each<[string, unknown[]]>([
  ['nothing', []],
  ['no id', [pointer, place, host]],
  ['an id that is none', [place, { ...text, data: 'id=xyz' }, host]],
  ['another service', [{ ...place, name: 'x._http._tcp.local' }, text, host]],
  ['a port out of range', [{ ...place, data: { port: 70_000, target: 'x.local' } }, text, host]],
  ['rubbish', [null, 7, {}, { type: 'SRV' }, { type: 'SRV', name: 'a', data: 4 }, { type: 'A', name: 3, data: [] }]],
])('%s is passed over', (_what, records) => {
  expect(readAnnouncements(records)).toEqual([])
})

const way = (address: string, cidr: string, internal = false) => ({
  address,
  cidr,
  internal,
  family: 'IPv4' as const,
  netmask: '',
  mac: '',
})
const interfaces = {
  lo: [way('127.0.0.1', '127.0.0.1/8', true)],
  eth0: [way('192.168.1.7', '192.168.1.7/24')],
  tun0: [way('10.8.0.2', '10.8.0.2/24')],
}

test('only what is on the same network is believed', () => {
  expect(ownNetworks('0.0.0.0:1', interfaces)).toEqual(['192.168.1.7', '10.8.0.2'])
  expect(ownNetworks('10.8.0.2:1', interfaces)).toEqual(['10.8.0.2'])
  expect(isOnLink('192.168.1.200', interfaces)).toBe(true)
  expect(isOnLink('192.168.2.1', interfaces)).toBe(false)
  expect(isOnLink('127.0.0.1', interfaces)).toBe(false)
})

test.each([
  [undefined, '0.0.0.0:1', true],
  [undefined, '192.168.1.7:1', true],
  [undefined, '127.0.0.1:1', false],
  [undefined, '[::1]:1', false],
  [undefined, 'localhost:1', false],
  [undefined, undefined, false],
  [false, '0.0.0.0:1', false],
  [true, undefined, true],
])('discovery %s with listen %s: %s', (discovery, listen, expected) => {
  expect(discovers({ discovery, listen })).toBe(expected)
})
