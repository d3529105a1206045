import { expect, test } from 'vitest'
import { Backoff } from './backoff.ts'

const timing = { firstMs: 100, longestAtFirstMs: 400, triesAtFirst: 4, longestMs: 1600 }

test('delays double up to a limit, and to a higher one later', () => {
  const backoff = new Backoff(timing, () => 1)
  expect(Array.from({ length: 8 }, () => backoff.next())).toEqual([100, 200, 400, 400, 400, 800, 1600, 1600])
  backoff.reset()
  expect(backoff.next()).toBe(100)
})

test('each is between half and all of it, and at least what is asked for', () => {
  const low = new Backoff(timing, () => 0)
  expect([low.next(), low.next(), low.next(1000)]).toEqual([50, 100, 500])
})
