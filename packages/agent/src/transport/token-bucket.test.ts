import { FakeClock } from '@spansync/common/runtime/fake-clock'
import { describe, expect, it } from 'vitest'
import { TokenBucket } from './token-bucket.ts'

const never = new AbortController().signal

describe('TokenBucket', () => {
  it('does not limit without a limit', () => {
    expect(new TokenBucket(new FakeClock(), undefined).take(1e9, never)).toBeUndefined()
  })

  it('keeps the average over a long time', async () => {
    const clock = new FakeClock()
    const bucket = new TokenBucket(clock, 1_000_000)
    let taken = 0
    const taking = (async () => {
      while (taken < 10_000_000) {
        await bucket.take(50_000, never)
        taken += 50_000
      }
    })()
    await clock.advance(5000)
    expect(taken / 5).toBeGreaterThan(950_000)
    expect(taken / 5).toBeLessThan(1_100_000)
    await clock.advance(6000)
    await taking
  })

  it('makes others wait for what could not', async () => {
    const clock = new FakeClock()
    const bucket = new TokenBucket(clock, 100_000)
    bucket.charge(125_000)
    let done = false
    const taking = bucket.take(1, never)?.then(() => {
      done = true
    })
    await clock.advance(900)
    expect(done).toBe(false)
    await clock.advance(200)
    expect(done).toBe(true)
    await taking
  })

  it('ends a wait when the signal aborts or the limit goes', async () => {
    const clock = new FakeClock()
    const bucket = new TokenBucket(clock, 1000)
    bucket.charge(1_000_000)
    const controller = new AbortController()
    const aborted = bucket.take(1, controller.signal)
    controller.abort(new Error('closed'))
    await expect(aborted).rejects.toThrow('closed')
    const freed = bucket.take(1, never)
    bucket.setRate(undefined)
    await clock.advance(1000)
    await freed
  })
})
