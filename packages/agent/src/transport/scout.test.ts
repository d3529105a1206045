import { FakeClock } from '@spansync/common/runtime/fake-clock'
import { describe, expect, it } from 'vitest'
import { Scout } from './scout.ts'

/** What each address comes to, and when, in seconds, which was tried. */
function stage(outcomes: Record<string, 'moved' | 'kept' | 'failed'>) {
  const clock = new FakeClock(0)
  const tries: string[] = []
  // None before the link is up.
  const scene = { clock, tries, outcomes, candidates: [] as string[] }
  const scout = new Scout({
    clock,
    candidates: () => scene.candidates,
    attempt: async (address) => {
      tries.push(`${address}@${clock.now() / 1000}`)
      const outcome = scene.outcomes[address]
      if (outcome === undefined || outcome === 'failed') throw new Error('nobody there')
      // None while the link moves.
      if (outcome === 'moved') scene.candidates = []
      return outcome
    },
  })
  const running = scout.run()
  const linkUp = (): void => {
    scene.candidates = Object.keys(outcomes)
    scout.linkUp()
  }
  const set = (candidates: string[]): void => {
    scene.candidates = candidates
  }
  return { clock, tries, scout, running, linkUp, set }
}

describe('Scout', () => {
  it('rests where there is no other address', async () => {
    const { clock, tries, linkUp } = stage({})
    linkUp()
    await clock.advance(10_000_000)
    expect(tries).toEqual([])
    expect(clock.sleeping).toBe(1)
  })

  it('tries what cannot be reached again within seconds, and after half an hour every five minutes', async () => {
    const { clock, tries, linkUp } = stage({ lan: 'failed' })
    linkUp()
    await clock.advance(60_000)
    expect(tries).toEqual(['lan@1', 'lan@6', 'lan@16', 'lan@31', 'lan@46'])
    await clock.advance(3 * 3_600_000)
    const [last, before] = tries.slice(-2).map((one) => Number(one.split('@')[1]))
    expect(Math.abs((last ?? 0) - (before ?? 0))).toBe(300)
  })

  it('measures what is there and no better again after ten minutes', async () => {
    const { clock, tries, linkUp } = stage({ lan: 'kept' })
    linkUp()
    await clock.advance(1_000_000)
    expect(tries).toEqual(['lan@1', 'lan@601'])
  })

  it('measures what the link has left again after ten minutes, and goes on trying what cannot be reached', async () => {
    const { clock, tries, scout, linkUp, ...scene } = stage({ lan: 'failed', vpn: 'moved', paid: 'kept' })
    linkUp()
    await clock.advance(1000)
    expect(tries).toEqual(['lan@1', 'vpn@1'])
    scene.set(['lan', 'paid'])
    scout.left('paid')
    await clock.advance(6000)
    expect(tries.slice(2)).toEqual(['lan@6'])
    await clock.advance(700_000)
    expect(tries.filter((one) => one.startsWith('paid'))).toEqual(['paid@601'])
  })

  it('tries all at once when there is news, also of one that is under way', async () => {
    const { clock, tries, scout, linkUp } = stage({ lan: 'kept', vpn: 'failed' })
    linkUp()
    await clock.advance(20_000)
    tries.length = 0
    scout.news()
    await clock.advance(0)
    expect(tries).toEqual(['lan@20', 'vpn@20'])
  })

  it('stops', async () => {
    const { clock, scout, running, linkUp } = stage({ lan: 'failed' })
    linkUp()
    await clock.advance(10_000)
    scout.stop()
    await running
    expect(clock.sleeping).toBe(0)
  })
})
