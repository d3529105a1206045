import type { NodeId } from '@spansync/common/core/causal/types'
import { expect, it } from 'vitest'
import { AddressBook } from './address-book.ts'
import { UnreachableError } from './errors.ts'
import { PathSpeed } from './link-speed.ts'
import { RoundTrip } from './measures.ts'
import type { AddressCost, Peer } from './types.ts'

const free: AddressCost = { metered: false, pricePerGb: 0, mayProbe: true }
const paid: AddressCost = { metered: true, pricePerGb: 4, mayProbe: false }
const peer: Peer = {
  id: 'b' as NodeId,
  name: 'b',
  addresses: ['modem:1', 'lan:1', 'vpn:1'],
  cost: free,
  costs: { 'modem:1': paid },
}

const measured = (ms: number): { rtt: RoundTrip; speed: PathSpeed } => {
  const rtt = new RoundTrip()
  rtt.observe(ms)
  return { rtt, speed: new PathSpeed() }
}

it('has the cheapest first, and what was found last', () => {
  const book = new AddressBook(() => peer)
  expect(book.setFound(['here:1', 'lan:1'])).toBe(true)
  expect(book.setFound(['lan:1', 'here:1'])).toBe(false)
  expect(book.all).toEqual(['modem:1', 'lan:1', 'vpn:1', 'here:1'])
  expect(book.byCost).toEqual(['lan:1', 'vpn:1', 'here:1', 'modem:1'])
})

it('never offers an address that costs more instead of the one in use', () => {
  const book = new AddressBook(() => peer)
  expect(book.besides('lan:1')).toEqual(['vpn:1'])
  expect(book.besides('modem:1')).toEqual(['lan:1', 'vpn:1'])
  // That of a connection made before the configuration changed.
  expect(book.besides('old:1')).toEqual(['lan:1', 'vpn:1'])
})

it('keeps what is known of each address, until it is gone', () => {
  const book = new AddressBook(() => peer)
  book.setFound(['here:1'])
  book.measured('here:1', measured(3))
  book.failed('lan:1', new UnreachableError({ name: 'b', address: 'lan:1', cause: new Error('refused') }))
  expect(book.status('here:1')).toMatchObject([
    { address: 'modem:1', metered: true, pricePerGb: 4, rttMs: undefined },
    { address: 'lan:1', inUse: false, found: false, error: { code: 'unreachable' } },
    { address: 'vpn:1' },
    { address: 'here:1', inUse: true, found: true, rttMs: 3, error: undefined },
  ])
  // It answers again.
  book.measured('lan:1', measured(1))
  expect(book.status(undefined)[1]).toMatchObject({ rttMs: 1, error: undefined })
  book.setFound([])
  book.setFound(['here:1'])
  expect(book.wayOf('here:1').rttMs).toBeUndefined()
})
