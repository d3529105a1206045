import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { untilUnused } from '../lab/coordinate.ts'
import type { LinkSpec } from '../lab/graph.ts'
import { describeLong, useCoordinator, useFleet } from '../lab/suite.ts'
import { Place } from './place.ts'

describeLong('home and work, with a data cap on the usual way to the remote machine', () => {
  const linkFlags = ({ a, b, rateBitsPerSecond = 0 }: LinkSpec): string[] => [
    ...['--throughput', `${rateBitsPerSecond / 1e6}mbit`],
    ...(a === 'r' && b === 's' ? ['--data-cap', '1MB'] : []),
  ]
  const fleet = useFleet('home-work', { linkFlags })
  const coordinator = useCoordinator(fleet, 's')

  test('the plan goes another way when it is used up, and says why', async () => {
    await untilUnused(coordinator(), 'l1-r')
    const place = new Place(fleet().agent('s').folderPath)
    place.write('fills it', randomBytes(1_100_000))
    await fleet().follow('s', { deadlineMs: 30_000 })
    await untilUnused(coordinator(), 'r-s')
    expect((await coordinator().plan()).unused).toMatchObject([{ capBytes: 0 }])
    await fleet().lab.quiet()
    const before = fleet().lab.link('r', 's').bytes()
    place.write('goes round', randomBytes(100_000))
    await fleet().follow('s', { deadlineMs: 30_000 })
    expect(fleet().lab.link('r', 's').bytes() - before).toBeLessThan(50_000)
  })
})
