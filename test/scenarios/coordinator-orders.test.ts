import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { describeLong, useCoordinator, useFleet } from '../lab/suite.ts'
import { until } from '../lab/until.ts'
import { Place } from './place.ts'

describeLong('a line a-b-c-d that follows a coordinator on b', () => {
  const fleet = useFleet('line')
  const coordinator = useCoordinator(fleet, 'b')
  const place = (node: string): Place => new Place(fleet().agent(node).folderPath)

  test('a change at one end reaches the other', async () => {
    place('a').write('from a', 'x').write('directory/inside', 'y')
    await fleet().settle('a')
    place('d').write('from d', 'z').remove('directory')
    await fleet().follow('d')
  })

  test('people work at all nodes at once', async () => {
    for (const node of ['a', 'b', 'c', 'd']) {
      for (let count = 0; count < 30; count += 1)
        place(node).write(`${node}/${count}`, `${node} ${count}\n`.repeat(count))
    }
    await fleet().untilEqual()
    expect(place('a').list('d')).toHaveLength(30)
  })

  test('two edits of one file without knowing of each other: one conflict copy everywhere', async () => {
    place('a').write('shared', 'common')
    await fleet().settle('a')
    const link = fleet().lab.link('b', 'c')
    await link.setUp(false)
    place('a').save('shared', 'from a, longer', 1_700_000_000)
    place('d').save('shared', 'from d', 1_700_000_100)
    await fleet().follow('a', { only: ['a', 'b'] })
    await fleet().follow('d', { only: ['c', 'd'] })
    await link.setUp(true)
    const copies = (): string[] =>
      place('b')
        .list()
        .filter((name) => name.startsWith('shared (conflict'))
    await until(() => copies().length === 1, { deadlineMs: 20_000, what: 'there is a conflict copy' })
    await fleet().untilEqual()
    expect([place('b').read('shared'), place('b').read(copies()[0] ?? '')]).toEqual(['from d', 'from a, longer'])
  })

  test('sync --wait answers 0, and status says that all is well', async () => {
    const { code, stdout, stderr } = await fleet().agent('d').sync()
    expect(code, `${stdout}${stderr}`).toBe(0)
    const { mode, coordinator: known } = await fleet().agent('d').status()
    expect(mode).toEqual({ configured: 'auto', effective: 'centralised' })
    expect(known).toEqual({ connected: true, url: coordinator().urlFor('d') })
    const overview = await until(
      async () => {
        const found = await coordinator().status()
        return found.orders.inFlight + found.orders.resting === 0 ? found : undefined
      },
      { deadlineMs: 10_000, intervalMs: 200, what: 'no order is in flight' },
    )
    expect(overview.nodes.flatMap(({ replicas }) => replicas.map(({ upToDate }) => upToDate))).toEqual([
      true,
      true,
      true,
      true,
    ])
    expect(overview.orders.sent).toBeGreaterThan(0)
    expect(overview.messages.refused).toBe(0)
    expect(overview.messages.reports).toBeGreaterThan(0)
  })
})

describeLong('a ring a-b-c-d-a that follows a coordinator on c', () => {
  // What is configured wins over what is measured: else the plan depends on how busy this machine is.
  const fleet = useFleet('ring', { linkFlags: () => ['--throughput', '100mbit', '--latency', '2ms'] })
  const coordinator = useCoordinator(fleet, 'c')
  const write = (node: string, name: string, bytes: number): unknown =>
    new Place(fleet().agent(node).folderPath).write(name, randomBytes(bytes))

  test('content passes along the plan only', async () => {
    const { unused } = await coordinator().plan()
    expect(unused).toHaveLength(1)
    const [{ a = '', b = '' } = {}] = unused
    const link = fleet().lab.link(a, b)
    const before = link.bytes()
    const payload = 5_000_000
    for (const node of ['a', 'c']) {
      write(node, `from ${node}`, payload)
      await fleet().follow(node)
    }
    expect(link.bytes() - before, `bytes on the unused link ${a}-${b}`).toBeLessThan(0.01 * 2 * payload)
    expect((await coordinator().plan()).unused.map((edge) => `${edge.a}-${edge.b}`)).toEqual([`${a}-${b}`])
  })

  test('a link of the plan goes down: another one takes its place', async () => {
    const { edges } = await coordinator().plan()
    const [{ a = '', b = '' } = {}] = edges
    await fleet().lab.link(a, b).setUp(false)
    write(a, 'the other way round', 1000)
    await fleet().follow(a)
    await fleet().lab.link(a, b).setUp(true)
  })
})
