import { expect, test } from 'vitest'
import { shrink } from './shrink.ts'

const numbers = Array.from({ length: 64 }, (_, index) => index)
const kindOf = (item: number): string => (item % 2 === 0 ? 'even' : 'odd')

test('what is left is what makes it fail', async () => {
  const fails = async (items: readonly number[]): Promise<boolean> => [3, 17, 40].every((item) => items.includes(item))
  expect(await shrink(numbers, { kindOf, fails, tries: 200 })).toEqual([3, 17, 40])
})

test('a kind that does not matter goes with the first try', async () => {
  const asked: number[] = []
  const fails = async (items: readonly number[]): Promise<boolean> => {
    asked.push(items.length)
    return items.includes(3)
  }
  expect(await shrink(numbers, { kindOf, fails, tries: 1 })).toHaveLength(32)
  expect(asked).toEqual([32])
})

test('it asks no more often than it may', async () => {
  let asked = 0
  const fails = async (): Promise<boolean> => {
    asked += 1
    return false
  }
  expect(await shrink(numbers, { kindOf, fails, tries: 9 })).toEqual(numbers)
  expect(asked).toBe(9)
})
