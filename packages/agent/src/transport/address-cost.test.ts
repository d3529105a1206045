import { describe, expect, it } from 'vitest'
import { costAt, isBetter, isWorthCutting, type Way } from './address-cost.ts'
import type { AddressCost, Peer } from './types.ts'

const free: AddressCost = { metered: false, pricePerGb: 0, mayProbe: true }
const way = (part: Partial<Way> = {}): Way => ({
  cost: free,
  rttMs: undefined,
  throughputBps: undefined,
  order: 0,
  ...part,
})
const priced = (pricePerGb: number, metered = false): AddressCost => ({ ...free, pricePerGb, metered })

describe('isBetter', () => {
  it.each<[string, Way, Way, boolean]>([
    ['not metered, though slower', way({ rttMs: 90, order: 1 }), way({ cost: priced(0, true), rttMs: 1 }), true],
    ['metered, though quicker', way({ cost: priced(0, true), rttMs: 1 }), way({ rttMs: 90, order: 1 }), false],
    ['cheaper', way({ cost: priced(1), order: 1 }), way({ cost: priced(2) }), true],
    ['much quicker, at a lower place', way({ throughputBps: 1e8, order: 1 }), way({ throughputBps: 1e6 }), true],
    ['a little quicker, at a lower place', way({ throughputBps: 1.2e6, order: 1 }), way({ throughputBps: 1e6 }), false],
    ['alike, at a higher place', way({ throughputBps: 1e6 }), way({ throughputBps: 1.2e6, order: 1 }), true],
    ['much slower, at a higher place', way({ throughputBps: 1e5 }), way({ throughputBps: 1e6, order: 1 }), false],
    ['nearer, and no more is known', way({ rttMs: 3, order: 1 }), way({ rttMs: 40 }), true],
    ['nearer by nothing to speak of', way({ rttMs: 0.2, order: 1 }), way({ rttMs: 2 }), false],
    ['unknown, at a higher place', way(), way({ rttMs: 2, order: 1 }), true],
    [
      'as quick as somebody says',
      way({ cost: { ...free, throughputBps: 1e9 }, order: 1 }),
      way({ throughputBps: 1e6 }),
      true,
    ],
  ])('%s', (_name, one, other, expected) => {
    expect(isBetter(one, other)).toBe(expected)
    // Never a circle.
    if (expected) expect(isBetter(other, one)).toBe(false)
  })
})

it('cuts off what is under way only where that pays', () => {
  expect(isWorthCutting(way(), way({ cost: priced(1) }))).toBe(true)
  expect(isWorthCutting(way({ throughputBps: 1e8 }), way({ throughputBps: 1e6 }))).toBe(true)
  expect(isWorthCutting(way({ throughputBps: 2e6 }), way({ throughputBps: 1e6 }))).toBe(false)
  expect(isWorthCutting(way(), way())).toBe(false)
})

it('knows what a connection costs that came from another port', () => {
  const peer = { addresses: [], cost: priced(4), costs: { '192.0.2.1:7': priced(0), '[2001:db8::7]:7': priced(1) } }
  const at = (address: string): number => costAt(peer as unknown as Peer, address).pricePerGb
  expect(['192.0.2.1:7', '192.0.2.1:54321', '[2001:db8::7]:9', 'else:7'].map(at)).toEqual([0, 0, 1, 4])
})
