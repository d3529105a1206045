import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hasHeard, hear, nothingHeard } from './heard.ts'
import type { VersionVector } from './types.ts'

const vector = fc.dictionary(fc.constantFrom('a', 'b'), fc.integer({ min: 1, max: 60 }), {
  minKeys: 1,
}) as fc.Arbitrary<VersionVector>

const isSole = (one: VersionVector): boolean => Object.keys(one).length === 1

describe('what a peer has told of', () => {
  it('is known again, and nothing else is: versions of one writer only', () => {
    fc.assert(
      fc.property(fc.array(fc.array(vector)), vector, (pages, asked) => {
        const heard = pages.reduce(hear, nothingHeard)
        const told = pages.flat().some((one) => isSole(one) && JSON.stringify(one) === JSON.stringify(asked))
        expect(hasHeard(heard, asked)).toBe(told && isSole(asked))
      }),
    )
  })

  it('takes little room when it is told in order', () => {
    const counters = Array.from({ length: 10_000 }, (_, at) => ({ a: at + 1 }) as VersionVector)
    const heard = hear(hear(nothingHeard, counters.slice(0, 6000)), counters.slice(5000))
    expect([...heard.values()]).toEqual([[[1, 10_000]]])
  })

  it('has a bound: what would need very many ranges is not kept', () => {
    const scattered = Array.from({ length: 5000 }, (_, at) => ({ a: at * 2 + 1 }) as VersionVector)
    expect(hear(nothingHeard, scattered).size).toBe(0)
  })
})
