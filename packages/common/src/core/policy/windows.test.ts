import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { anyInstant, minuteOfWeekAt, quarterMs, zonesToTry } from '../../testing/wall-clock.ts'
import { always, isOpenAt, nextFlip, parseWindow, unite, type Windows } from './windows.ts'
import { zoneOf } from './zone.ts'

const day = 1440

describe('what people write', () => {
  test.each<[string, Windows]>([
    ['always', always],
    ['sat', [{ from: 5 * day, to: 6 * day }]],
    ['sat,sun', [{ from: 5 * day, to: 7 * day }]],
    [
      'Sun-Mon',
      [
        { from: 0, to: day },
        { from: 6 * day, to: 7 * day },
      ],
    ],
    ['tue 8:00-18:30', [{ from: day + 480, to: day + 1110 }]],
    ['fri 22:00-24:00', [{ from: 4 * day + 1320, to: 5 * day }]],
    [
      'sun 23:00-06:00',
      [
        { from: 0, to: 360 },
        { from: 6 * day + 1380, to: 7 * day },
      ],
    ],
    ['00:00-24:00', always],
  ])('%s', (text, windows) => {
    expect(parseWindow(text)).toEqual(windows)
  })

  test.each([
    '',
    'mond',
    '24:00-06:00',
    '8-18',
    '08:60-09:00',
    '08:00-08:00',
    'mon 08:00',
    'mon tue 08:00-09:00',
    'mon-',
    'a-b-c',
  ])('refuses %j', (text) => {
    expect(parseWindow(text)).toBeUndefined()
  })

  test('a window that passes midnight is seven windows of the week', () => {
    const windows = parseWindow('23:00-06:00') ?? []
    expect(windows).toHaveLength(8)
    expect(windows.reduce((sum, { from, to }) => sum + to - from, 0)).toBe(7 * 7 * 60)
  })
})

describe('leaps of the clock in Amsterdam', () => {
  const zone = zoneOf('Europe/Amsterdam')
  const flips = (text: string, from: string, count: number): string[] => {
    const times: string[] = []
    let at: number | undefined = Date.parse(from)
    while (times.length < count && at !== undefined) {
      at = nextFlip(parseWindow(text) ?? [], zone, at)
      if (at !== undefined) times.push(new Date(at).toISOString().slice(0, 16))
    }
    return times
  }

  test('in spring a night is an hour shorter', () => {
    expect(flips('23:00-06:00', '2027-03-27T12:00Z', 3)).toEqual([
      '2027-03-27T22:00',
      '2027-03-28T04:00',
      '2027-03-28T21:00',
    ])
  })

  test('a window within the skipped hour is not there that day, and one that begins in it begins with the leap', () => {
    expect(flips('sun 02:15-02:45', '2027-03-27T12:00Z', 1)).toEqual(['2027-04-04T00:15'])
    expect(flips('02:30-03:30', '2027-03-28T00:00Z', 2)).toEqual(['2027-03-28T01:00', '2027-03-28T01:30'])
  })

  test('in autumn a window within the hour that comes twice opens twice', () => {
    expect(flips('02:15-02:45', '2027-10-30T22:00Z', 4)).toEqual([
      '2027-10-31T00:15',
      '2027-10-31T00:45',
      '2027-10-31T01:15',
      '2027-10-31T01:45',
    ])
  })
})

const anyWindows: fc.Arbitrary<Windows> = fc
  .array(fc.record({ from: fc.nat(7 * 96 - 1), quarters: fc.integer({ min: 1, max: 200 }) }), { maxLength: 6 })
  .map((parts) => unite(parts.map(({ from, quarters }) => ({ from: from * 15, to: (from + quarters) * 15 }))))

describe.each(zonesToTry)('against stepping a reference clock in %s', (name) => {
  test('open and shut, and the first instant at which that changes', () => {
    const zone = zoneOf(name)
    const isOpen = (windows: Windows, ms: number): boolean => {
      const minute = minuteOfWeekAt(name, ms)
      return windows.some(({ from, to }) => from <= minute && minute < to)
    }
    fc.assert(
      fc.property(anyInstant(name), anyWindows, (now, windows) => {
        const before = isOpen(windows, now)
        expect(isOpenAt(windows, zone, now)).toBe(before)
        let steps = 1
        while (steps <= 15 * 96 && isOpen(windows, now + steps * quarterMs) === before) steps++
        expect(nextFlip(windows, zone, now)).toBe(steps > 15 * 96 ? undefined : now + steps * quarterMs)
      }),
      { numRuns: 60 },
    )
  })
})
