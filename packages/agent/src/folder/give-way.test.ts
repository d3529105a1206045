import { FakeClock } from '@spansync/common/runtime/fake-clock'
import { expect, it } from 'vitest'
import { GiveWay } from './give-way.ts'

it('lets the work go on while nobody waits, and for so long once somebody does', async () => {
  const clock = new FakeClock()
  const work = new GiveWay(clock, 3000)
  await clock.advance(100_000)
  expect(work.signal.aborted).toBe(false)
  work.hurry()
  await clock.advance(2000)
  work.hurry()
  expect(work.signal.aborted).toBe(false)
  await clock.advance(1001)
  expect(work.signal.aborted).toBe(true)
})

it('leaves done work alone', async () => {
  const clock = new FakeClock()
  const work = new GiveWay(clock, 3000)
  work.hurry()
  work.done()
  await clock.advance(100_000)
  expect(work.signal.aborted).toBe(false)
})
