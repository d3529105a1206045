import fc from 'fast-check'
import { expect, test } from 'vitest'
import { editDistance, nearest } from './nearest.ts'

const keys = ['name', 'listen', 'mode', 'peers', 'folders', 'versions']

test.each([
  ['peeers', 'peers'],
  ['peer', 'peers'],
  ['folder', 'folders'],
  ['Listen', 'listen'],
  ['lsiten', 'listen'],
  ['mdoe', 'mode'],
  ['xyzzy', undefined],
  ['q', undefined],
])('nearest(%j) = %j', (word, expected) => expect(nearest(word, keys)).toBe(expected))

test('the distance is 0 only for equals, symmetric, and at most the longer length', () => {
  const word = fc.string({ maxLength: 8, unit: fc.constantFrom('a', 'b', 'c') })
  fc.assert(
    fc.property(word, word, (a, b) => {
      const distance = editDistance(a, b)
      expect(distance === 0).toBe(a === b)
      expect(editDistance(b, a)).toBe(distance)
      expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length))
    }),
  )
})
