import { expect, test } from 'vitest'
import { FakeClock } from './fake-clock.ts'
import { Timer } from './timer.ts'

function made() {
  const clock = new FakeClock()
  const rung: number[] = []
  const begun = clock.now()
  const timer = new Timer(clock, () => rung.push(clock.now() - begun))
  return { clock, rung, timer, set: (ms: number) => timer.set(begun + ms) }
}

test('rings at the earliest moment, once, and again when it is set again', async () => {
  const { clock, rung, set } = made()
  for (const ms of [500, 200, 300]) set(ms)
  await clock.advance(1000)
  expect(rung).toEqual([200])
  set(1100)
  await clock.advance(100)
  expect(rung).toEqual([200, 1100])
})

test('rings soon for what is past, and not at all when it is cancelled', async () => {
  const { clock, rung, timer, set } = made()
  await clock.advance(10)
  set(5)
  await clock.advance(1)
  expect(rung).toEqual([11])
  set(20)
  timer.cancel()
  await clock.advance(100)
  expect(rung).toEqual([11])
})
