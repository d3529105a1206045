import { expect, test } from 'vitest'
import { modeChanges, modeText } from './modes.ts'

test.each([
  ['auto', 'centralised', true, 'the coordinator is there: sync by its orders'],
  ['auto', 'decentralised', true, 'the coordinator says decentralised: direct sync'],
  ['auto', 'decentralised', false, 'no coordinator: direct sync'],
  ['decentralised', 'decentralised', true, 'set to decentralised on this machine'],
] as const)('%s, %s, connected: %s', (configured, effective, connected, text) => {
  expect(modeText({ mode: { configured, effective }, coordinator: { connected } })).toBe(text)
})

test('agents that changed in the same way come together; the others, and new ones, do not come', () => {
  const before = new Map([
    ['server', 'orders'],
    ['laptop', 'orders'],
    ['desktop', 'direct'],
  ])
  const now = new Map([
    ['server', 'direct'],
    ['laptop', 'direct'],
    ['desktop', 'direct'],
    ['tablet', 'orders'],
  ])
  expect(modeChanges(before, now)).toEqual([{ text: 'direct', nodes: ['server', 'laptop'] }])
})
