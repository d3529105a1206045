import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fastestTrain, nextTrain, type TrainSeen, trainRate } from './train-plan.ts'

/** Sends trains until the plan is content. `spread`: of the train that is the nth, with so many bytes sent before. */
function measure(spread: (bytes: number, at: { readonly index: number; readonly before: number }) => number) {
  const seen: TrainSeen[] = []
  let before = 0
  for (let bytes = nextTrain(seen); bytes !== undefined; bytes = nextTrain(seen)) {
    seen.push({ bytes, durationMs: spread(bytes, { index: seen.length, before }) })
    before += bytes
  }
  return { seen, bytes: before, rate: trainRate(seen) ?? 0 }
}

const steady = (bytesPerSecond: number) => (bytes: number) => (bytes * 1000) / bytesPerSecond

describe('trains', () => {
  it.each([
    ['a slow modem', 8_000, 8_192],
    ['1 Mbit/s', 125_000, 28_672],
    ['2 Mbit/s', 250_000, 40_960],
    ['10 Mbit/s', 1_250_000, 81_920],
    ['50 Mbit/s', 6_250_000, 81_920],
  ])('measure %s with no more bytes than it takes', (_, bytesPerSecond, most) => {
    const { rate, bytes } = measure(steady(bytesPerSecond))
    expect(rate).toBeCloseTo(bytesPerSecond, -2)
    expect(bytes).toBeLessThanOrEqual(most)
  })

  it('do not tell fast links apart', () => {
    expect(measure(() => 0).rate).toBe(fastestTrain)
    expect(measure(steady(1e9)).rate).toBe(fastestTrain)
  })

  it.each([16, 32, 48])(
    'are not fooled by a bucket of %i KB that lets the first bytes through at once',
    (kilobytes) => {
      const slow = 250_000
      const { rate } = measure((bytes, { before }) => {
        const free = Math.max(0, kilobytes * 1024 - before)
        return (Math.max(0, bytes - free) * 1000) / slow
      })
      expect(rate).toBeGreaterThan(0.6 * slow)
      expect(rate).toBeLessThan(1.6 * slow)
    },
  )

  it.each([0, 1, 2, 3])('do not take a stall of the process in train %i for a slow link', (stalled) => {
    const { rate } = measure((bytes, { index }) => bytes / 10_000 + (index === stalled ? 120 : 0))
    expect(rate).toBeGreaterThan(9_000_000)
  })

  it('end, whatever arrives', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1e4, noNaN: true }), { minLength: 9, maxLength: 9 }), (spreads) => {
        const { bytes, rate } = measure((_, { index }) => spreads[index] ?? 0)
        expect(bytes).toBeLessThanOrEqual(144 * 1024)
        expect(rate).toBeGreaterThan(0)
      }),
    )
  })
})
