import { expect, test } from 'vitest'
import { isResting, restOver } from './rest.ts'
import { defaultSettings, type Level, mergeLayers, type PolicySettings } from './settings.ts'

const policyOf = (level: Level, settings: Partial<PolicySettings>) =>
  mergeLayers([{ settings, placeOf: (setting) => ({ level, key: setting }) }])

test.each<[Level, Partial<PolicySettings>, ReturnType<typeof restOver>]>([
  ['link', {}, undefined],
  ['link', { settleMs: 0 }, undefined],
  ['folder', { settleMs: 2000 }, undefined],
  ['link', { settleMs: 2000 }, { settleMs: 2000, mostMs: 20_000 }],
  ['link', { settleMs: 2000, maxDelayMs: 3000 }, { settleMs: 2000, mostMs: 3000 }],
  ['link', { settleMs: 2000, maxDelayMs: defaultSettings.maxDelayMs }, { settleMs: 2000, mostMs: 20_000 }],
])('said of a %s: %j', (level, settings, rest) => {
  expect(restOver(policyOf(level, settings))).toEqual(rest)
})

const now = Date.UTC(2026, 0, 1)
const written = (agoMs: number) => ({ kind: 'file', deleted: false, mtimeUs: (now - agoMs) * 1000 }) as const

test.each([
  ['just written', written(0), true],
  ['written a while ago', written(999), true],
  ['at rest', written(1000), false],
  ['by another clock', written(-1), false],
  ['deleted', { ...written(0), deleted: true }, false],
  ['a directory', { ...written(0), kind: 'dir' as const }, false],
  ['a link', { ...written(0), kind: 'symlink' as const }, false],
])('%s', (_what, entry, rests) => {
  const rest = { settleMs: 1000, mostMs: 10_000 }
  expect(isResting(entry, rest, { now, releasedAt: Number.NEGATIVE_INFINITY })).toBe(rests)
  expect(isResting(entry, rest, { now, releasedAt: now })).toBe(false)
})
