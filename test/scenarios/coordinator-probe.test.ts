import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { untilUnused } from '../lab/coordinate.ts'
import { parseGraph } from '../lab/graph.ts'
import { describeLong, useCoordinator, useFleet } from '../lab/suite.ts'
import { until } from '../lab/until.ts'
import { Place } from './place.ts'

describeLong('links whose speed nobody has configured', () => {
  const rates = { slow: 1, dsl: 8, wifi: 40, lan: 1000 } as const
  const edges = Object.entries(rates).map(([name, mbit]) => `hub -- ${name} [rate="${mbit}mbit"]`)
  const fleet = useFleet(parseGraph(`graph rates { ${edges.join('; ')} }`))

  /** Mbit/s of the link between the hub and each of the others, as whichever end knows it says; 0: neither. */
  async function figures(): Promise<Readonly<Record<string, number>>> {
    const [hub, ...others] = await Promise.all(
      ['hub', ...Object.keys(rates)].map((name) => fleet().agent(name).status()),
    )
    const rateTo = (status: typeof hub, peer: string): number =>
      status?.links.find(({ node }) => node === peer)?.throughputBps ?? 0
    const pairs = Object.keys(rates).map((name, at) => [
      name,
      Math.max(rateTo(hub, name), rateTo(others[at], 'hub')) * 8e-6,
    ])
    return Object.fromEntries(pairs)
  }

  test('are measured when they come up, for some 100 KB', async () => {
    const known = async (): Promise<boolean> => Object.values(await figures()).every((mbit) => mbit > 0)
    await until(known, { deadlineMs: 15_000, intervalMs: 200, what: 'every link has a figure' })
    const found = await figures()
    const { slow = 0, dsl = 0, wifi = 0, lan = 0 } = found
    expect(slow).toBeGreaterThan(0.4)
    expect(slow).toBeLessThan(2)
    expect(dsl).toBeGreaterThan(3)
    expect(dsl).toBeLessThan(14)
    expect(wifi).toBeGreaterThan(dsl)
    expect(lan).toBeGreaterThan(dsl)
    for (const name of Object.keys(rates)) expect(fleet().lab.link('hub', name).bytes()).toBeLessThan(250_000)
  })
})

describeLong('home and work, with a coordinator and nothing configured', () => {
  const fleet = useFleet('home-work')
  const coordinator = useCoordinator(fleet, 's')

  test('the very slow way is left alone from the start', async () => {
    await untilUnused(coordinator(), 'l1-r')
    await fleet().lab.quiet()
    const before = fleet().lab.link('l1', 'r').bytes()
    new Place(fleet().agent('l1').folderPath).write('first', randomBytes(3_000_000))
    await fleet().follow('l1', { deadlineMs: 30_000 })
    expect(fleet().lab.link('l1', 'r').bytes() - before).toBeLessThan(30_000)
  })
})
