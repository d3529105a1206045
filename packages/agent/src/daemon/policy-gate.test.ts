import { parseConfig } from '@spansync/common/config/parse'
import type { Config } from '@spansync/common/config/schema'
import type { FolderId, NodeId } from '@spansync/common/core/causal/types'
import type { Link } from '@spansync/common/ports'
import { FakeClock } from '@spansync/common/runtime/fake-clock'
import { file } from '@spansync/common/testing/entries'
import { expect, test } from 'vitest'
import { PolicyGate, type Surroundings } from './policy-gate.ts'

const docs = 'docs' as FolderId
const phone = 'a'.repeat(64) as NodeId
const link = { peer: phone, name: 'phone', dialed: true, localAddress: '10.0.0.2' } as Link

const configOf = (policy: string, linkPolicy = '{}'): Config =>
  parseConfig({
    file: 'config.yaml',
    text: `name: laptop\npeers: { phone: { id: ${phone}, dataCap: 1MB, policy: ${linkPolicy} } }\nfolders: { docs: { path: /docs, policy: ${policy} } }`,
  }).config

interface Given {
  readonly clock?: FakeClock
  readonly usedBytes?: number | ((address: string | undefined) => number)
  readonly surroundings?: Partial<Surroundings>
  readonly standing?: { digest: string; isSettled: boolean }
  readonly changed?: () => void
  readonly failed?: (error: unknown) => void
}

function gateWith(policy: string, given: Given = {}): PolicyGate {
  const config = configOf(policy)
  return gateOver(() => config, given)
}

function gateOver(
  config: () => Config,
  { clock = new FakeClock(), usedBytes = 0, surroundings, standing, changed, failed }: Given = {},
): PolicyGate {
  return new PolicyGate({
    clock,
    config,
    nameOf: () => 'phone',
    usedBytes: (_peer, address) => (typeof usedBytes === 'number' ? usedBytes : usedBytes(address)),
    standing: () => standing,
    surroundings: { networkOf: () => undefined, isOnBattery: () => false, ...surroundings },
    changed: changed ?? (() => undefined),
    failed:
      failed ??
      ((error) => {
        throw error
      }),
  })
}

test.each<[string, Given, string]>([
  ['{}', {}, 'open'],
  ['{}', { usedBytes: 1_000_000 }, 'shut'],
  ['{ paused: true }', {}, 'shut'],
  ['{ direction: send-only }', {}, 'gives'],
  ['{ direction: receive-only }', {}, 'takes'],
  ['{ onMetered: false }', {}, 'shut'],
  ['{ onBattery: false }', {}, 'open'],
  ['{ onBattery: false }', { surroundings: { isOnBattery: () => true } }, 'shut'],
  ['{ networks: [{ cidr: 10.0.0.0/8 }] }', {}, 'shut'],
  [
    '{ networks: [{ cidr: 10.0.0.0/8 }] }',
    { surroundings: { networkOf: (address) => ({ address: address ?? '' }) } },
    'open',
  ],
  ['{ peers: { phone: { paused: true } } }', {}, 'shut'],
])('%s with %j: %s', (policy, given, door) => {
  expect(gateWith(policy, given).doorOf(docs, link)).toBe(door)
})

test('the doors are looked at again the moment a window opens, and not only now and then', async () => {
  const clock = new FakeClock(Date.UTC(2026, 0, 1, 12, 29, 59))
  const seen: string[] = []
  const gate = gateWith('{ windows: ["12:30-13:00"], timezone: UTC }', {
    clock,
    changed: () => seen.push(gate.doorOf(docs, link)),
  })
  await using _looking = gate.start(() => [[docs, link]])
  expect(gate.doorOf(docs, link)).toBe('shut')
  await clock.whenSleeping(1)
  await clock.advance(1000)
  expect(seen).toEqual(['open'])
})

test('a new configuration counts at once', () => {
  let config = configOf('{ paused: true }')
  const gate = gateOver(() => config)
  expect(gate.doorOf(docs, link)).toBe('shut')
  config = configOf('{}')
  expect(gate.doorOf(docs, link)).toBe('open')
})

test('what a link holds back is what all its places say together, and is the same function while they say the same', () => {
  let config = configOf('{ exclude: ["*.a"], peers: { phone: { exclude: ["*.b"] } } }', '{ maxSize: 10B }')
  const gate = gateOver(() => config)
  const first = gate.holdsBack(docs, link)
  const isHeldBack = (path: string, size = 1): boolean | undefined => first?.(file(path, 'x', {}, { size }))
  // What the whole replica takes no part in is another matter.
  expect(['x.a', 'x.b', 'x.c'].map((path) => isHeldBack(path))).toEqual([false, true, false])
  expect(isHeldBack('x.c', 11)).toBe(true)
  config = configOf('{ paused: true, peers: { phone: { exclude: ["*.b"] } } }', '{ maxSize: 10B }')
  expect(gate.holdsBack(docs, link)).toBe(first)
  config = configOf('{ peers: { phone: { exclude: ["*.b"] } } }', '{ maxSize: 11B }')
  expect(gate.holdsBack(docs, link)).not.toBe(first)
  config = configOf('{ exclude: ["*.a"] }')
  expect(gate.holdsBack(docs, link)).toBeUndefined()
})

test('after a session the door is shut for the minimum interval, but not for longer than a change may wait', async () => {
  const clock = new FakeClock()
  const standing = { digest: 'a', isSettled: true }
  const gate = gateWith('{ minInterval: 1h, maxDelay: 10m }', { clock, standing })
  expect(gate.doorOf(docs, link)).toBe('open')
  standing.isSettled = false
  expect(gate.doorOf(docs, link)).toBe('open')
  Object.assign(standing, { digest: 'b', isSettled: true })
  expect(gate.doorOf(docs, link)).toBe('shut')
  await clock.advance(59 * 60_000)
  expect(gate.doorOf(docs, link)).toBe('shut')
  await clock.advance(60_000)
  expect(gate.doorOf(docs, link)).toBe('open')
  Object.assign(standing, { digest: 'c' })
  expect(gate.doorOf(docs, link)).toBe('shut')
  standing.isSettled = false
  expect(gate.evaluate(docs, link).send.nextChangeAt).toBe(clock.wallNow() + 600_000)
  await clock.advance(600_000)
  expect(gate.doorOf(docs, link)).toBe('open')
})

test('a link is limited by direction and window, whatever its folders say', async () => {
  const clock = new FakeClock(Date.UTC(2026, 0, 1, 12, 59))
  const rates = '{ timezone: UTC, rates: [{ during: "12:00-13:00", send: 8mbit }, { receive: 1MB/s }] }'
  const config = configOf('{ paused: true, rates: [{ send: 1kbit }] }', rates)
  const gate = gateOver(() => config, { clock })
  expect(gate.ratesOf('phone')).toMatchObject({ upBytesPerSecond: 1_000_000, downBytesPerSecond: undefined })
  await clock.advance(60_000)
  expect(gate.ratesOf('phone')).toMatchObject({ upBytesPerSecond: undefined, downBytesPerSecond: 1_000_000 })
})

test('a folder has rates of its own besides those of the link, each by the narrowest place that says them', () => {
  const own = '{ rates: [{ send: 1MB/s }], nodes: { laptop: { rates: [{ receive: 2MB/s }] } } }'
  const docsRates = (policy: string) =>
    gateOver(() => configOf(policy, '{ rates: [{ send: 4MB/s }] }')).ratesOf('phone')
  const link = { upBytesPerSecond: 4_000_000, downBytesPerSecond: undefined }
  expect(docsRates('{}')).toEqual(link)
  expect(docsRates(own)).toEqual({
    ...link,
    folderRates: new Map([[docs, { upBytesPerSecond: undefined, downBytesPerSecond: 2_000_000 }]]),
  })
  expect(docsRates('{ rates: [{ send: 1MB/s }], peers: { phone: { rates: [{ send: 2kB/s }] } } }')).toEqual({
    ...link,
    folderRates: new Map([[docs, { upBytesPerSecond: 2000, downBytesPerSecond: undefined }]]),
  })
})

test('the rates of a link are looked at again the moment they change', async () => {
  const clock = new FakeClock(Date.UTC(2026, 0, 1, 12, 29, 59))
  const rates = '{ timezone: UTC, rates: [{ during: "12:30-13:00", send: 1MB/s }] }'
  const config = configOf('{}', rates)
  const seen: (number | undefined)[] = []
  const gate = gateOver(() => config, {
    clock,
    changed: () => seen.push(gate.ratesOf('phone').upBytesPerSecond),
  })
  await using _looking = gate.start(() => [[docs, link]])
  await clock.whenSleeping(1)
  await clock.advance(1000)
  expect(seen).toEqual([1_000_000])
})

test('goes on looking when a look has failed', async () => {
  const clock = new FakeClock()
  const config = configOf('{}')
  const failures: unknown[] = []
  let looks = 0
  const changed = (): void => {
    if (looks++ === 0) throw new Error('the index is closed')
  }
  const gate = gateOver(() => config, { clock, changed, failed: (error) => failures.push(error) })
  await using _looking = gate.start(() => [])
  await clock.advance(6000)
  expect(looks).toBe(3)
  expect(failures).toHaveLength(1)
})

test('whether traffic is metered depends on the address in use', () => {
  const text = `name: laptop
peers:
  phone:
    id: ${phone}
    metered: true
    addresses: [{ address: 192.168.1.7:1, metered: false }, phone.example.org:1]
folders: { docs: { path: /docs, policy: { onMetered: false } } }`
  const { config } = parseConfig({ file: 'config.yaml', text })
  const gate = gateOver(() => config)
  const over = (address?: string) => gate.doorOf(docs, { ...link, address } as Link)
  expect(over('192.168.1.7:1')).toBe('open')
  // The phone has dialled, from there.
  expect(over('192.168.1.7:50123')).toBe('open')
  expect(over('phone.example.org:1')).toBe('shut')
  expect(over(undefined)).toBe('shut')
})

test('a data cap of one address shuts the door over that address alone', () => {
  const text = `name: laptop
peers:
  phone: { id: ${phone}, addresses: [lan:1, { address: modem:1, dataCap: 1MB }] }
folders: { docs: { path: /docs } }`
  const { config } = parseConfig({ file: 'config.yaml', text })
  const gate = gateOver(() => config, { usedBytes: (address) => (address === 'modem:1' ? 1_000_000 : 0) })
  const over = (address: string) => gate.doorOf(docs, { ...link, address } as Link)
  expect([over('lan:1'), over('modem:1'), over('modem:50123'), over('lan:1')]).toEqual(['open', 'shut', 'open', 'open'])
})
