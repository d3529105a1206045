import { FakeClock } from '@spansync/common/runtime/fake-clock'
import { expect, test } from 'vitest'
import { silenceAllowedMs, Watchdog } from './watchdog.ts'

function started(): { clock: FakeClock; watchdog: Watchdog; barks: () => number } {
  const clock = new FakeClock()
  let barks = 0
  const watchdog = new Watchdog({
    clock,
    ms: 1000,
    bark: () => {
      barks++
    },
  })
  watchdog.start()
  return { clock, watchdog, barks: () => barks }
}

test('barks once after silence', async () => {
  const { clock, barks } = started()
  await clock.advance(999)
  expect(barks()).toBe(0)
  await clock.advance(10_000)
  expect(barks()).toBe(1)
})

test('not while something moves', async () => {
  const { clock, watchdog, barks } = started()
  for (let i = 0; i < 20; i++) {
    await clock.advance(900)
    watchdog.feed()
  }
  expect(barks()).toBe(0)
  await clock.advance(1000)
  expect(barks()).toBe(1)
})

test('not while paused, and from the start again after that', async () => {
  const { clock, watchdog, barks } = started()
  watchdog.pause()
  await clock.advance(50_000)
  expect(barks()).toBe(0)
  watchdog.resume()
  await clock.advance(900)
  expect(barks()).toBe(0)
  await clock.advance(2000)
  expect(barks()).toBe(1)
})

test('not when stopped', async () => {
  const { clock, watchdog, barks } = started()
  watchdog.stop()
  await clock.advance(5000)
  expect(barks()).toBe(0)
  expect(clock.sleeping).toBe(0)
})

test('a big file may be read in silence', () => {
  expect(silenceAllowedMs(0)).toBe(60_000)
  expect(silenceAllowedMs(20e9)).toBeGreaterThan(15 * 60_000)
})
