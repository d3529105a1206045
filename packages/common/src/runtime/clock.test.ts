import { describe, expect, test, vi } from 'vitest'
import type { Clock } from '../ports.ts'
import { calendarOf, parseCalendar, systemClock, timeVariablesIn } from './clock.ts'
import { FakeClock } from './fake-clock.ts'

const clocks: readonly { name: string; make: () => { clock: Clock; pass: (ms: number) => Promise<void> } }[] = [
  { name: 'system', make: () => ({ clock: systemClock, pass: () => Promise.resolve() }) },
  {
    name: 'fake',
    make: () => {
      const clock = new FakeClock()
      return { clock, pass: (ms) => clock.advance(ms) }
    },
  },
]

describe.each(clocks)('the $name clock', ({ make }) => {
  test('sleeps', async () => {
    const { clock, pass } = make()
    const before = clock.now()
    const slept = clock.sleep(2)
    await pass(2)
    await slept
    expect(clock.now() - before).toBeGreaterThanOrEqual(1)
  })
  test('tells the wall time, and a time that only goes forward near it', () => {
    const { clock } = make()
    expect(Math.abs(clock.wallNow() - clock.now())).toBeLessThan(60_000)
    expect(Number.isInteger(clock.now())).toBe(true)
  })
  test('a sleep ends with the reason of its signal', async () => {
    const { clock } = make()
    const controller = new AbortController()
    const slept = clock.sleep(1e12, controller.signal)
    controller.abort(new Error('enough'))
    await expect(slept).rejects.toThrow('enough')
  })
  test('a signal that is aborted already lets nobody sleep', async () => {
    await expect(make().clock.sleep(1, AbortSignal.abort(new Error('too late')))).rejects.toThrow('too late')
  })
})

test('somebody who sets the wall clock back does not set back the time', () => {
  const before = systemClock.now()
  const wall = vi.spyOn(Date, 'now').mockReturnValue(before - 3_600_000)
  try {
    expect(systemClock.wallNow()).toBe(before - 3_600_000)
    expect(systemClock.now()).toBeGreaterThanOrEqual(before)
  } finally {
    wall.mockRestore()
  }
})

describe('a calendar that is faster', () => {
  const start = { at: 10_000, shows: 1_000_000, rate: 60 }

  test('goes along with the clock until it begins, and sleeps are shorter', async () => {
    const clock = new FakeClock(9000)
    const calendar = calendarOf(clock, start)
    expect(calendar.wallNow()).toBe(999_000)
    await clock.advance(2000)
    expect([calendar.wallNow(), calendar.now()]).toEqual([1_060_000, 11_000])
    const slept = calendar.sleep(60_000)
    await clock.advance(1000)
    await slept
  })

  test.each(['', '1,2', '1,2,0', '1,2,x', '1,2,3,4'])('is not to be had for %j', (text) => {
    expect(parseCalendar(text)).toBeUndefined()
  })

  test('is nothing but the clock where none is set', () => {
    const clock = new FakeClock()
    expect(parseCalendar('10000,1000000,60')).toEqual(start)
    expect(calendarOf(clock, parseCalendar(undefined))).toBe(clock)
  })
})

describe('FakeClock', () => {
  test('has a wall clock that can be set apart', async () => {
    const clock = new FakeClock(5000)
    clock.setWall(1000)
    await clock.advance(10)
    expect([clock.now(), clock.wallNow()]).toEqual([5010, 1010])
  })

  test('wakes in the order of time, and sleeps that a woken one starts too', async () => {
    const clock = new FakeClock(0)
    const log: string[] = []
    const say = async (name: string, ...naps: number[]): Promise<void> => {
      for (const nap of naps) {
        await clock.sleep(nap)
        log.push(`${name}@${clock.now()}`)
      }
    }
    const all = [say('a', 10, 10), say('b', 5, 10), say('c', 10)]
    await clock.advance(15)
    expect(log).toEqual(['b@5', 'a@10', 'c@10', 'b@15'])
    await clock.advance(5)
    await Promise.all(all)
    expect(log.at(-1)).toBe('a@20')
    expect(clock.sleeping).toBe(0)
  })
  test('whenSleeping says when the code under test has come to rest', async () => {
    const clock = new FakeClock()
    const resting = clock.whenSleeping(2)
    const sleeps = [clock.sleep(1), clock.sleep(1)]
    await resting
    await clock.advance(1)
    await Promise.all(sleeps)
  })
  test('an aborted sleep is forgotten', async () => {
    const clock = new FakeClock()
    const controller = new AbortController()
    const slept = clock.sleep(1, controller.signal)
    controller.abort()
    await expect(slept).rejects.toThrow()
    expect(clock.sleeping).toBe(0)
  })
})

test('what changes the time is named, and nothing else', () => {
  expect(timeVariablesIn({ SPANSYNC_CALENDAR: '1,2,3', SPANSYNC_WALL_AHEAD_MS: '-5' })).toEqual([
    'SPANSYNC_CALENDAR',
    'SPANSYNC_WALL_AHEAD_MS',
  ])
  expect(timeVariablesIn({ SPANSYNC_CALENDAR: 'x', SPANSYNC_WALL_AHEAD_MS: '0', HOME: '/' })).toEqual([])
})
