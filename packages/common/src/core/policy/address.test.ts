import { BlockList } from 'node:net'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isWithin, parseAddress, parseCidr } from './address.ts'
import { isOnOneOf } from './networks.ts'

const v4 = fc.ipV4()
const v6 = fc.ipV6()

test('takes the same addresses for within a range as the system does', () => {
  const anyPair = fc.oneof(
    fc.record({ range: v4, address: v4, bits: fc.nat(32), family: fc.constant('ipv4' as const) }),
    fc.record({ range: v6, address: v6, bits: fc.nat(128), family: fc.constant('ipv6' as const) }),
  )
  fc.assert(
    fc.property(anyPair, fc.boolean(), ({ range, address, bits, family }, same) => {
      const asked = same ? range : address
      const list = new BlockList()
      list.addSubnet(range, bits, family)
      const cidr = parseCidr(`${range}/${bits}`)
      const bytes = parseAddress(asked)
      fc.pre(!range.includes('.') || !range.includes(':'))
      expect(cidr !== undefined && bytes !== undefined && isWithin(cidr, bytes)).toBe(list.check(asked, family))
    }),
  )
})

test.each(['', '1.2.3', '1.2.3.256', '01.2.3.4', '::1::', '1:2:3', '12345::', 'host', '1:2:3:4:5:6:7:8:9', '::1.2.3'])(
  '%j is no address',
  (text) => {
    expect(parseAddress(text)).toBeUndefined()
  },
)

test('an address with its interface, and one of IPv4 that is written as IPv6', () => {
  expect(parseAddress('fe80::1%eth0')?.[15]).toBe(1)
  expect(parseAddress('::ffff:10.1.2.3')).toEqual([10, 1, 2, 3])
})

test.each(['10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', '::/129', '10.0.0.0/-1'])('%j is no range', (text) => {
  expect(parseCidr(text)).toBeUndefined()
})

describe('networks', () => {
  const home = { address: '192.168.1.7', gateway: '192.168.1.1', interface: 'wlan0', ssid: 'Home' }
  test.each<[Parameters<typeof isOnOneOf>[0], boolean]>([
    [[{ ssid: 'Home' }], true],
    [[{ ssid: 'home' }], false],
    [[{ cidr: '192.168.0.0/16' }], true],
    [[{ cidr: '10.0.0.0/8' }, { interface: 'wlan*' }], true],
    [[{ cidr: '192.168.0.0/16', interface: 'eth0' }], false],
    [[{ gateway: '192.168.1.1' }], true],
    [[{ gateway: '192.168.1.2' }], false],
    [[{}], true],
    [[], false],
  ])('%j: %j', (rules, expected) => {
    expect(isOnOneOf(rules, home)).toBe(expected)
    expect(isOnOneOf(rules, undefined)).toBe(false)
  })
})
