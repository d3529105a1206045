import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyVector } from '../../testing/arbitraries.ts'
import type { ReplicaId, VersionVector } from './types.ts'
import { compare, covers, coversDot, emptyVector, merge, type Order, withCounter } from './version-vector.ts'

const a = 'laptop.a1' as ReplicaId
const often = { numRuns: 1000 }

describe('compare', () => {
  it.each<[VersionVector, VersionVector, Order]>([
    [{}, {}, 'equal'],
    [{ a: 1 }, { a: 1 }, 'equal'],
    [{ a: 0 }, {}, 'equal'],
    [{ a: 1 }, {}, 'ahead'],
    [{ a: 2, b: 1 }, { a: 1, b: 1 }, 'ahead'],
    [{}, { b: 1 }, 'behind'],
    [{ a: 1 }, { a: 1, b: 1 }, 'behind'],
    [{ a: 1 }, { b: 1 }, 'concurrent'],
    [{ a: 2, b: 1 }, { a: 1, b: 2 }, 'concurrent'],
  ])('%j to %j is %s', (left, right, order) => {
    expect(compare(left, right)).toBe(order)
  })

  it('is a partial order', () => {
    fc.assert(
      fc.property(anyVector, anyVector, anyVector, (x, y, z) => {
        expect(covers(x, x)).toBe(true)
        if (covers(x, y) && covers(y, x)) expect(compare(x, y)).toBe('equal')
        if (covers(x, y) && covers(y, z)) expect(covers(x, z)).toBe(true)
      }),
      often,
    )
  })

  it('sees the same from the other side', () => {
    const mirrored = { equal: 'equal', ahead: 'behind', behind: 'ahead', concurrent: 'concurrent' } as const
    fc.assert(
      fc.property(anyVector, anyVector, (x, y) => {
        expect(compare(y, x)).toBe(mirrored[compare(x, y)])
      }),
      often,
    )
  })
})

describe('merge', () => {
  it('is the least upper bound', () => {
    fc.assert(
      fc.property(anyVector, anyVector, anyVector, (x, y, z) => {
        const both = merge(x, y)
        expect(covers(both, x) && covers(both, y)).toBe(true)
        if (covers(z, x) && covers(z, y)) expect(covers(z, both)).toBe(true)
      }),
      often,
    )
  })

  it('is commutative, associative and idempotent', () => {
    fc.assert(
      fc.property(anyVector, anyVector, anyVector, (x, y, z) => {
        expect(compare(merge(x, y), merge(y, x))).toBe('equal')
        expect(compare(merge(merge(x, y), z), merge(x, merge(y, z)))).toBe('equal')
        expect(compare(merge(x, x), x)).toBe('equal')
        expect(compare(merge(x, emptyVector), x)).toBe('equal')
      }),
      often,
    )
  })

  it('leaves both sides as they were', () => {
    const [left, right] = [Object.freeze({ a: 1 }), Object.freeze({ b: 2 })]
    expect(merge(left, right)).toEqual({ a: 1, b: 2 })
  })
})

describe('a write', () => {
  it('puts its vector ahead, and is covered by exactly the vectors that have its counter', () => {
    fc.assert(
      fc.property(anyVector, anyVector, (x, y) => {
        const counter = (x[a] ?? 0) + 1
        expect(compare(withCounter(x, a, counter), x)).toBe('ahead')
        expect(coversDot(x, [a, counter])).toBe(false)
        expect(coversDot(merge(y, withCounter(x, a, counter)), [a, counter])).toBe(true)
      }),
      often,
    )
  })
})
