import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { anyInstant, leapsOf, zonedAt, zonesToTry } from '../../testing/wall-clock.ts'
import { isZone, nextMonthAt, wallMs, zoneOf } from './zone.ts'

describe.each(zonesToTry)('%s', (name) => {
  const zone = zoneOf(name)

  test('shows what the clocks on its walls show, to the second around each leap', () => {
    const around = leapsOf(name).flatMap((leap) => [leap - 1000, leap - 1, leap, leap + 1000])
    for (const ms of [...around, Date.UTC(2024, 1, 29), Date.UTC(2027, 11, 31, 23, 59, 59)]) {
      expect(wallMs(zone, ms), new Date(ms).toISOString()).toBe(ms + zonedAt(name, ms).offsetNanoseconds / 1e6)
    }
  })

  test('stretches end where clocks leap, and nowhere else is the offset another', () => {
    fc.assert(
      fc.property(anyInstant(name), (ms) => {
        const { fromMs, untilMs, offsetMs } = zoneOf(name).stretchAt(ms)
        expect(fromMs <= ms && ms < untilMs).toBe(true)
        for (const leap of leapsOf(name)) expect(leap <= ms || leap >= untilMs).toBe(true)
        expect(zonedAt(name, untilMs - 1).offsetNanoseconds / 1e6).toBe(offsetMs)
      }),
      { numRuns: 50 },
    )
  })

  test('finds the next month as a reference library does', () => {
    fc.assert(
      fc.property(anyInstant(name), (ms) => {
        const date = zonedAt(name, ms).toPlainDate().with({ day: 1 }).add({ months: 1 })
        expect(nextMonthAt(zone, ms)).toBe(date.toZonedDateTime(name).epochMilliseconds)
      }),
      { numRuns: 50 },
    )
  })
})

test('knows which names are zones', () => {
  expect(['Europe/Amsterdam', 'UTC', 'Europe/Amsterdm', '', 'x'].filter(isZone)).toEqual(['Europe/Amsterdam', 'UTC'])
})
