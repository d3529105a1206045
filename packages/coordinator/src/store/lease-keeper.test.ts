import { FakeClock } from '@spansync/common/runtime/fake-clock'
import { beforeEach, describe, expect, it } from 'vitest'
import { LeaseKeeper } from './lease-keeper.ts'
import type { Acquisition } from './store.ts'
import { FakeLease } from './testing/fake-lease.ts'

const ttlMs = 6000

let clock: FakeClock
let lease: FakeLease
let log: string[]

beforeEach(() => {
  clock = new FakeClock()
  lease = new FakeLease(clock)
  log = []
})

/** Starts a keeper; `stop` ends it and waits until it has. `at`: seconds since the test began. */
function start(holder: string) {
  const begun = clock.now()
  const controller = new AbortController()
  const note = (what: string): void => void log.push(`${holder} ${what} at ${(clock.now() - begun) / 1000}`)
  const keeper = new LeaseKeeper({
    lease: lease.as(holder),
    clock,
    holder,
    onLead: (epoch) => note(`leads ${epoch}`),
    onLost: (reason) => note(reason),
  })
  const ended = keeper.run(controller.signal)
  const stop = async (): Promise<void> => {
    controller.abort(new Error('stopped'))
    await clock.advance(0)
    await ended
  }
  return { keeper, stop, kill: () => lease.trouble.set(holder, 'hangs'), ended }
}

describe('LeaseKeeper', () => {
  it('leads at once when nobody does, and renews for as long as it is asked to', async () => {
    const { keeper, stop } = start('a')
    await clock.advance(0)
    expect(keeper.epoch).toBe(1)
    await clock.advance(1_000_000)
    expect(keeper.epoch).toBe(1)
    expect(lease.held?.untilMs).toBeGreaterThan(clock.now() + (ttlMs * 2) / 3 - 1)
    await stop()
    expect(keeper.epoch).toBeUndefined()
    expect(lease.held).toBeUndefined()
    expect(log).toEqual(['a leads 1 at 0', 'a stopped at 1000'])
  })

  it('takes over within a second when the leader stops', async () => {
    const [first, second] = [start('a'), start('b')]
    await clock.advance(10_000)
    await first.stop()
    await clock.advance(1000)
    expect(second.keeper.epoch).toBe(2)
    await second.stop()
    expect(clock.sleeping).toBe(0)
  })

  it.each(Array.from({ length: 20 }, (_, at) => at * 173))(
    'takes over within ttl + 1 s when the leader dies %d ms after a renewal',
    async (ms) => {
      const dying = start('a')
      const second = start('b')
      await clock.advance(20_000 + ms)
      dying.kill()
      await clock.advance(ttlMs + 1000)
      expect(second.keeper.epoch).toBe(2)
      expect(dying.keeper.epoch).toBeUndefined()
    },
  )

  it.each(['down', 'hangs', 'lost'] as const)(
    'never leads together with another: the store is %s for it',
    async (kind) => {
      const [first, second] = [start('a'), start('b')]
      await clock.advance(5000)
      lease.trouble.set('a', kind)
      for (let ms = 0; ms < 30_000; ms += 50) {
        await clock.advance(50)
        expect([first.keeper.epoch, second.keeper.epoch].filter((epoch) => epoch !== undefined).length).toBeLessThan(2)
      }
      lease.trouble.clear()
      await clock.advance(5000)
      expect([first.keeper.epoch, second.keeper.epoch].filter((epoch) => epoch !== undefined)).toHaveLength(1)
      await first.stop()
      await second.stop()
      expect(clock.sleeping).toBe(0)
    },
  )

  it('counts its time from before the request, however late the answer comes', async () => {
    const [first, second] = [start('a'), start('b')]
    lease.trouble.set('a', 'slow')
    await clock.advance(20_000)
    expect(first.keeper.epoch).toBe(1)
    // Just after an answer has come.
    while (lease.held?.untilMs !== clock.now() + ttlMs - 1400) await clock.advance(10)
    await clock.advance(10)
    lease.trouble.set('a', 'down')
    for (let ms = 0; ms < 10_000; ms += 10) {
      await clock.advance(10)
      expect([first.keeper.epoch, second.keeper.epoch].filter((epoch) => epoch !== undefined).length).toBeLessThan(2)
    }
    expect(second.keeper.epoch).toBe(2)
  })

  it('survives a gap that is shorter than the lease', async () => {
    const { keeper, stop } = start('a')
    await clock.advance(2500)
    lease.trouble.set('a', 'down')
    await clock.advance(4000)
    lease.trouble.clear()
    await clock.advance(20_000)
    expect(keeper.epoch).toBe(1)
    await stop()
    expect(log).toEqual(['a leads 1 at 0', 'a stopped at 26.5'])
  })

  it('stops before its time is up when it cannot renew, and leads again with a new epoch', async () => {
    const { stop } = start('a')
    await clock.advance(100)
    lease.trouble.set('a', 'down')
    await clock.advance(60_000)
    lease.trouble.clear()
    await clock.advance(1000)
    await stop()
    expect(log).toEqual([
      'a leads 1 at 0',
      'a expired at 5.4',
      expect.stringMatching(/^a leads 2 at 60\./),
      expect.anything(),
    ])
  })

  it('stops when the store says that another has taken over', async () => {
    const { keeper } = start('a')
    await clock.advance(1000)
    lease.held = undefined
    await lease.acquire('b', 3000)
    await clock.advance(1000)
    expect(log).toEqual(['a leads 1 at 0', 'a taken at 2'])
    await clock.advance(3000)
    expect(keeper.epoch).toBe(3)
  })

  it('asks again when the answer to its first request was lost', async () => {
    lease.trouble.set('a', 'lost')
    const { keeper } = start('a')
    await clock.advance(1000)
    lease.trouble.clear()
    await clock.advance(2000)
    expect(keeper.epoch).toBe(2)
  })

  it('does not lead when the answer found the machine suspended for longer than the lease', async () => {
    let shiftMs = 0
    // A suspended machine's own time stands still, and the one on the wall does not.
    const shifted = { now: () => clock.now(), wallNow: () => clock.wallNow() + shiftMs, sleep: clock.sleep.bind(clock) }
    const first = async (holder: string, ttl: number): Promise<Acquisition> => {
      if (lease.epoch === 0) shiftMs = ttl
      return lease.acquire(holder, ttl)
    }
    const keeper = new LeaseKeeper({
      lease: { ...lease.as('a'), acquire: first },
      clock: shifted,
      holder: 'a',
      onLead: (epoch) => void log.push(`leads ${epoch}`),
      onLost: () => {},
    })
    const controller = new AbortController()
    const ended = keeper.run(controller.signal)
    await clock.advance(1000)
    expect(log).toEqual(['leads 2'])
    controller.abort(new Error('stopped'))
    await ended
  })

  it('is stopped while the store is away', async () => {
    const { stop } = start('a')
    await clock.advance(1000)
    lease.trouble.set('a', 'down')
    await stop()
    expect(log).toEqual(['a leads 1 at 0', 'a stopped at 1'])
  })

  it('ends with what onLead throws, and lets the lease go', async () => {
    const keeper = new LeaseKeeper({
      lease: lease.as('a'),
      clock,
      holder: 'a',
      onLead: () => {
        throw new Error('a fault')
      },
      onLost: (reason) => void log.push(reason),
    })
    await expect(keeper.run(new AbortController().signal)).rejects.toThrow('a fault')
    expect(log).toEqual(['stopped'])
    expect(lease.held).toBeUndefined()
    expect(clock.sleeping).toBe(0)
  })
})
