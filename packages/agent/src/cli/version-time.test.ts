import { expect, it } from 'vitest'
import { formatMoment, parseMoment } from './version-time.ts'

const at = (...parts: [number, number, number, number?, number?, number?, number?]): number =>
  new Date(...parts).getTime()

it('shows a time so that it can be given back', () => {
  const ms = at(2026, 10, 6, 7, 8, 9, 10)
  expect(formatMoment(ms)).toBe('2026-11-06 07:08:09.010')
  expect(parseMoment(formatMoment(ms))).toBe(ms)
})

it.each<[string, number | undefined]>([
  ['2026-11-06', at(2026, 10, 6)],
  ['2026-11-06 07:08', at(2026, 10, 6, 7, 8)],
  ['2026-11-06T07:08:09', at(2026, 10, 6, 7, 8, 9)],
  ['2026-11-06 07:08:09.5', at(2026, 10, 6, 7, 8, 9, 500)],
  ['2026-11-06T07:08:09Z', Date.UTC(2026, 10, 6, 7, 8, 9)],
  ['2026-11-06T07:08+02:00', Date.UTC(2026, 10, 6, 5, 8)],
  ['2026-02-30', undefined],
  ['2026-13-01', undefined],
  ['yesterday', undefined],
  ['', undefined],
])('understands %s', (text, expected) => {
  expect(parseMoment(text)).toBe(expected)
})
