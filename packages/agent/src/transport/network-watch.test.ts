import { FakeClock } from '@spansync/common/runtime/fake-clock'
import { describe, expect, it } from 'vitest'
import { hasLost, NetworkWatch } from './network-watch.ts'

describe('NetworkWatch', () => {
  it('tells of changed addresses within 5 s, once', async () => {
    const clock = new FakeClock()
    let addresses = new Set(['192.0.2.1'])
    const told: string[][] = []
    const watch = new NetworkWatch(clock, { look: () => addresses })
    const running = watch.run((now) => told.push([...now]))
    await clock.advance(60_000)
    expect(told).toEqual([])
    addresses = new Set(['198.51.100.7'])
    await clock.advance(5000)
    await clock.advance(60_000)
    expect(told).toEqual([['198.51.100.7']])
    watch.stop()
    await running
    expect(clock.sleeping).toBe(0)
  })

  it('tells within half a second while a peer is out of reach', async () => {
    const clock = new FakeClock()
    let addresses = new Set<string>()
    let told = 0
    const watch = new NetworkWatch(clock, { isApart: () => true, look: () => addresses })
    const running = watch.run(() => told++)
    await clock.advance(1900)
    addresses = new Set(['192.0.2.1'])
    await clock.advance(500)
    expect(told).toBe(1)
    watch.stop()
    await running
  })

  it('tells when the machine was asleep', async () => {
    let now = 0
    let sleeps = 0
    const watch = new NetworkWatch(
      {
        // What measures durations stands still while the machine sleeps.
        now: () => 0,
        wallNow: () => now,
        sleep: async () => {
          sleeps += 1
          now += sleeps === 3 ? 3_600_000 : 5000
        },
      },
      { look: () => new Set(['192.0.2.1']) },
    )
    await watch.run(() => watch.stop())
    expect(sleeps).toBe(3)
  })

  it('knows which connections are dead', () => {
    const own = new Set(['192.0.2.1', 'fe80::1'])
    expect(hasLost(own, '192.0.2.1')).toBe(false)
    expect(hasLost(own, '::ffff:192.0.2.1')).toBe(false)
    expect(hasLost(own, '127.0.0.1')).toBe(false)
    expect(hasLost(own, '192.0.2.9')).toBe(true)
  })
})
