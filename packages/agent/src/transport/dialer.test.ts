import { FakeClock } from '@spansync/common/runtime/fake-clock'
import { describe, expect, it } from 'vitest'
import { Dialer } from './dialer.ts'
import { UnreachableError, WrongFingerprintError } from './errors.ts'

interface Scene {
  readonly clock: FakeClock
  readonly dialer: Dialer
  /** Seconds since the start at which each try was made, and where. */
  readonly tries: { at: number; address: string }[]
  readonly failures: string[]
  up: boolean
  /** What the next tries come to. */
  outcome: (address: string) => Promise<void>
}

function refuse(address: string): Promise<void> {
  return Promise.reject(new UnreachableError({ name: 'b', address, cause: new Error('refused') }))
}

function stage(addresses: string[] = ['one:1'], random = 1, outcome = refuse): Scene {
  const clock = new FakeClock(0)
  const scene = { clock, tries: [], failures: [], up: false, outcome } as unknown as Scene & { dialer: Dialer }
  const dialer = new Dialer({
    clock,
    random: () => random,
    addresses: () => addresses,
    isUp: () => scene.up,
    attempt: async (address) => {
      scene.tries.push({ at: clock.now() / 1000, address })
      await scene.outcome(address)
      scene.up = true
    },
    failed: ({ code }) => scene.failures.push(code),
  })
  void dialer.run()
  return Object.assign(scene, { dialer })
}

describe('Dialer', () => {
  it('waits twice as long after each try, up to 3 s: a peer that only listens must not be waited for long', async () => {
    const { clock, tries } = stage()
    await clock.advance(16_000)
    expect(tries.map(({ at }) => at)).toEqual([0, 0.25, 0.75, 1.75, 3.75, 6.75, 9.75, 12.75, 15.75])
  })

  it('waits up to 30 s when a peer has been away for long', async () => {
    const { clock, tries } = stage()
    await clock.advance(900_000)
    const pauses = tries.slice(1).map(({ at }, index) => at - (tries[index]?.at ?? 0))
    expect(pauses.slice(-3)).toEqual([30, 30, 30])
  })

  it('shortens every wait by up to a half, at random', async () => {
    const { clock, tries } = stage(['one:1'], 0)
    await clock.advance(1000)
    expect(tries.map(({ at }) => at)).toEqual([0, 0.125, 0.375, 0.875])
  })

  it('dials at once when poked, and from the shortest wait again', async () => {
    const { clock, tries, dialer } = stage()
    await clock.advance(40_000)
    tries.length = 0
    dialer.poke()
    await clock.advance(2000)
    expect(tries.map(({ at }) => at)).toEqual([40, 40.25, 40.75, 41.75])
  })

  it('tries the addresses in turn, the last good one first', async () => {
    const scene = stage(['one:1', 'two:2', 'three:3'])
    scene.outcome = (address) => (address === 'two:2' ? Promise.resolve() : refuse(address))
    await scene.clock.advance(1000)
    expect(scene.tries.map(({ address }) => address)).toEqual(['one:1', 'two:2'])
    scene.up = false
    scene.tries.length = 0
    scene.outcome = refuse
    scene.dialer.linkFell(60_000)
    await scene.clock.advance(260)
    expect(scene.tries.map(({ address }) => address)).toEqual(['two:2', 'one:1', 'three:3'])
  })

  it('reports the most telling of several reasons', async () => {
    const scene = stage(['one:1', 'two:2'])
    scene.outcome = (address) => {
      const told = new WrongFingerprintError({ name: 'b', address, expected: 'aa', found: 'bb' })
      return address === 'two:2' ? Promise.reject(told) : refuse(address)
    }
    await scene.clock.advance(0)
    expect(scene.failures).toEqual(['wrong_fingerprint'])
  })

  it('rests while the link is up, and redials soon after a good one', async () => {
    const scene = stage(['one:1'], 1, () => Promise.resolve())
    await scene.clock.advance(3_600_000)
    expect(scene.tries).toHaveLength(1)
    scene.up = false
    scene.dialer.linkFell(3_600_000)
    await scene.clock.advance(250)
    expect(scene.tries).toHaveLength(2)
  })

  it('does not dial in a tight circle when the link falls again and again', async () => {
    const scene = stage()
    scene.outcome = async () => {
      void scene.clock.sleep(5).then(() => {
        scene.up = false
        scene.dialer.linkFell(5)
      })
    }
    await scene.clock.advance(60_000)
    // One in three seconds, after the first few.
    expect(scene.tries.length).toBeLessThanOrEqual(24)
  })

  it('stops', async () => {
    const { clock, tries, dialer } = stage()
    await clock.advance(1000)
    dialer.stop()
    tries.length = 0
    await clock.advance(100_000)
    expect(tries).toEqual([])
    expect(clock.sleeping).toBe(0)
  })
})
