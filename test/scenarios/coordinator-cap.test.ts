import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import type { LinkSpec } from '../lab/graph.ts'
import { describeLong, useCoordinator, useFleet } from '../lab/suite.ts'
import { until } from '../lab/until.ts'
import { Place } from './place.ts'

describeLong('home and work, with a data cap on the usual way to the remote machine', () => {
  const linkFlags = ({ a, b, rateBitsPerSecond = 0 }: LinkSpec): string[] => [
    ...['--throughput', `${rateBitsPerSecond / 1e6}mbit`],
    ...(a === 'r' && b === 's' ? ['--data-cap', '1MB'] : []),
  ]
  const fleet = useFleet('home-work', { linkFlags })
  const coordinator = useCoordinator(fleet, 's')

  async function untilUnused(link: string): Promise<void> {
    const leaves = async (): Promise<boolean> => {
      const { unused, edges } = await coordinator().plan()
      return edges.length === 3 && unused.map(({ a, b }) => [a, b].sort().join('-')).join() === link
    }
    await until(leaves, { deadlineMs: 20_000, intervalMs: 200, what: `the plan leaves ${link} alone` })
  }

  test('the plan goes another way when it is used up, and says why', async () => {
    await untilUnused('l1-r')
    const place = new Place(fleet().agent('s').folderPath)
    place.write('fills it', randomBytes(1_100_000))
    await fleet().follow('s', { deadlineMs: 30_000 })
    await untilUnused('r-s')
    expect((await coordinator().plan()).unused).toMatchObject([{ capBytes: 0 }])
    await fleet().lab.quiet()
    const before = fleet().lab.link('r', 's').bytes()
    place.write('goes round', randomBytes(100_000))
    await fleet().follow('s', { deadlineMs: 30_000 })
    expect(fleet().lab.link('r', 's').bytes() - before).toBeLessThan(50_000)
  })
})
