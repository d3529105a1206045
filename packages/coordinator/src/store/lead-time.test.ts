import type { Clock } from '@spansync/common/ports'
import { FakeClock } from '@spansync/common/runtime/fake-clock'
import { expect, it } from 'vitest'
import { startLeadTime } from './lead-time.ts'

/** A clock that somebody sets, over a sleep that goes on regardless. */
function settable() {
  const inner = new FakeClock()
  let shiftMs = 0
  const clock: Clock = {
    now: () => inner.now(),
    wallNow: () => inner.wallNow() + shiftMs,
    sleep: (ms, signal) => inner.sleep(ms, signal),
  }
  const set = (ms: number): void => {
    shiftMs += ms
  }
  return { inner, clock, set }
}

it('is over after its time', async () => {
  const { inner, clock } = settable()
  using time = startLeadTime(clock, 100)
  await inner.advance(99)
  expect(time.isOver).toBe(false)
  await inner.advance(1)
  expect(time.isOver).toBe(true)
  expect(time.signal.aborted).toBe(true)
})

it('is over after its time although the clock was set back', async () => {
  const { inner, clock, set } = settable()
  using time = startLeadTime(clock, 100)
  set(-3_600_000)
  await inner.advance(100)
  expect(time.isOver).toBe(true)
})

it('is over when the machine wakes up from a sleep in which timers stood still', () => {
  const { clock, set } = settable()
  using time = startLeadTime(clock, 100)
  set(100)
  expect(time.isOver).toBe(true)
})

it('leaves no timer behind', () => {
  const { inner, clock } = settable()
  startLeadTime(clock, 100)[Symbol.dispose]()
  expect(inner.sleeping).toBe(0)
})
