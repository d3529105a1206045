import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { untilUnused } from '../lab/coordinate.ts'
import type { LinkSpec } from '../lab/graph.ts'
import { describeLong, useCoordinator, useFleet } from '../lab/suite.ts'
import { Place } from './place.ts'

const payload = 1_000_000

describeLong('home and work, with a price on the fast link to the remote machine', () => {
  // Throughput is configured, too: what nobody has measured yet is taken for a fast link, and the plan would change as that turns out.
  const linkFlags = ({ a, b, rateBitsPerSecond = 0 }: LinkSpec): string[] => [
    ...['--price-per-gb', a === 'r' && b === 's' ? '5' : '0'],
    ...['--throughput', `${rateBitsPerSecond / 1e6}mbit`],
  ]
  const fleet = useFleet('home-work', { linkFlags })
  const coordinator = useCoordinator(fleet, 's')

  /** Share of the payload that the link carried, when something is written at the server. */
  async function shareOf(a: string, b: string, name: string): Promise<number> {
    const link = fleet().lab.link(a, b)
    await fleet().lab.quiet()
    const before = link.bytes()
    new Place(fleet().agent('s').folderPath).write(name, randomBytes(payload))
    await fleet().follow('s', { deadlineMs: 30_000 })
    return (link.bytes() - before) / payload
  }

  test('cheapest: next to nothing passes over the paid link', async () => {
    await coordinator().setObjective('cheapest')
    await untilUnused(coordinator(), 'r-s')
    expect(await shareOf('r', 's', 'cheap')).toBeLessThan(0.01)
    expect((await coordinator().plan()).costPerGb).toBe(0)
  })

  test('fastest: next to nothing passes over the slow link', async () => {
    await coordinator().setObjective('fastest')
    await untilUnused(coordinator(), 'l1-r')
    expect(await shareOf('l1', 'r', 'fast')).toBeLessThan(0.01)
    expect((await coordinator().plan()).costPerGb).toBe(5)
  })
})
