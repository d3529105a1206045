import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { describeLong, useCoordinator, useFleet } from '../lab/suite.ts'
import { Place } from './place.ts'

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
