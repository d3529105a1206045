import { expect, it } from 'vitest'
import { ownAddresses } from './own-addresses.ts'

const one = (address: string, family: 'IPv4' | 'IPv6', internal = false) =>
  ({
    address,
    family,
    internal,
    netmask: '',
    mac: '',
    cidr: null,
    ...(family === 'IPv6' ? { scopeid: 0 } : {}),
  }) as never
const interfaces = {
  lo: [one('127.0.0.1', 'IPv4', true), one('::1', 'IPv6', true)],
  eth0: [one('fe80::1', 'IPv6'), one('2001:db8::7', 'IPv6'), one('192.0.2.7', 'IPv4')],
  usb0: [one('169.254.3.4', 'IPv4')],
  vpn: [one('10.8.0.2', 'IPv4')],
}

it.each([
  ['everything that others can dial', '0.0.0.0:22070', ['192.0.2.7:22070', '10.8.0.2:22070']],
  ['IPv6 too, where it listens there', '[::]:7', ['192.0.2.7:7', '10.8.0.2:7', '[2001:db8::7]:7']],
  ['only the address that it listens on', '127.0.0.1:22070', ['127.0.0.1:22070']],
  ['nothing when it does not listen', undefined, []],
])('%s', (_what, listen, expected) => {
  expect(ownAddresses(listen, interfaces)).toEqual(expected)
})
