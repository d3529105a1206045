import { FakeClock } from '@spansync/common/runtime/fake-clock'
import { expect, it, vi } from 'vitest'
import { collectGarbage, cpuSeconds, stayLean } from './lean.ts'

it('collects once when there was work and it is over', async () => {
  const clock = new FakeClock()
  const collect = vi.fn()
  let used = 0.5
  await using _lean = stayLean({ clock, cpu: () => used, collect })
  await clock.advance(60_000)
  expect(collect).not.toHaveBeenCalled()
  for (let turn = 0; turn < 5; turn++) {
    used += 1
    await clock.advance(15_000)
  }
  expect(collect).not.toHaveBeenCalled()
  await clock.advance(15_000)
  expect(collect).toHaveBeenCalledOnce()
  for (let turn = 0; turn < 12; turn++) {
    used += 0.01
    await clock.advance(15_000)
  }
  expect(collect).toHaveBeenCalledOnce()
})

it('what is garbage is really given back, and to the system', () => {
  let garbage: unknown[] | undefined = Array.from({ length: 1_000_000 }, (_, at) => ({ at }))
  const before = process.memoryUsage()
  garbage = garbage.length > 0 ? undefined : garbage
  collectGarbage()
  const after = process.memoryUsage()
  expect(before.heapUsed - after.heapUsed).toBeGreaterThan(20_000_000)
  expect(before.rss - after.rss).toBeGreaterThan(20_000_000)
  expect(cpuSeconds()).toBeGreaterThan(0)
})
