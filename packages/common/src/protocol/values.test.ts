import { expect, test } from 'vitest'
import { limits } from './messages.ts'
import { vector } from './values.ts'

const ofSize = (keys: number) => Object.fromEntries(Array.from({ length: keys }, (_, at) => [`a.${at}`, 1]))

test('a version vector has a bound', () => {
  expect(vector.safeParse(ofSize(limits.vectorKeys)).success).toBe(true)
  expect(vector.safeParse(ofSize(limits.vectorKeys + 1)).success).toBe(false)
  expect(vector.safeParse({ 'a.1': -1 }).success).toBe(false)
})
