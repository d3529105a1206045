import { expect, it } from 'vitest'
import { isReadTooSoon } from './tick.ts'

it.each([
  ['long ago', 1_000_000.25, 2_000_000, 'no'],
  ['a moment ago', 1_000_000.25, 1_000_005, 'wait'],
  ['after the tick', 1_000_000.25, 1_000_013, 'no'],
  ['in the future (a clock that is ahead)', 1_000_000.25, 999_000, 'no'],
  ['a second ago in whole seconds', 1_000_000, 1_001_000, 'too_coarse'],
  ['long ago in whole seconds', 1_000_000, 1_002_000, 'no'],
])('changed %s', (_, changedMs, now, expected) => {
  expect(isReadTooSoon({ mtimeMs: changedMs, ctimeMs: changedMs }, now)).toBe(expected)
})
