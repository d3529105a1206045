import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { untilFollowed, untilMode } from '../lab/coordinate.ts'
import { parseGraph } from '../lab/graph.ts'
import { describeLong, useCoordinator, useFleet } from '../lab/suite.ts'
import { until } from '../lab/until.ts'
import { Place } from './place.ts'

/** Two seconds on a machine with nothing else to do. Beats alone would take fifteen. */
const atOnceMs = 5000

describeLong('a line a-b-c-d that follows a coordinator on c', () => {
  // Slow, so that a transfer is long enough to do something in its middle.
  const fleet = useFleet(parseGraph('graph slow { edge [rate="20mbit" delay="1ms"] a -- b -- c -- d }'))
  const coordinator = useCoordinator(fleet, 'c')
  const place = (node: string): Place => new Place(fleet().agent(node).folderPath)
  const payload = 20_000_000

  /** Begins a transfer of several seconds from a, and waits until its first bytes have come to b. */
  async function beginTransfer(name: string): Promise<void> {
    const link = fleet().lab.link('a', 'b')
    const before = link.bytes()
    place('a').write(name, randomBytes(payload))
    await until(() => link.bytes() > before + 1_000_000, { deadlineMs: 10_000, what: 'the transfer is under way' })
  }

  /** Nothing was sent twice: bytes on all links / (payload × 3). */
  const ratioSince = (before: number): number => (fleet().lab.bytes() - before) / (payload * 3)

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

  test('it is killed: the next change passes directly, and when it is back all follow it again', async () => {
    place('a').write('work/1', 'x')
    await coordinator().crash()
    place('d').write('work/2', 'y')
    expect(await fleet().untilEqual()).toBeLessThan(atOnceMs)
    expect(place('a').read('work/2')).toBe('y')
    await coordinator().start()
    await untilFollowed(fleet(), coordinator())
    const { orders } = await coordinator().status()
    place('b').write('work/3', 'z')
    await fleet().follow('b')
    expect((await coordinator().status()).orders.sent).toBeGreaterThan(orders.sent)
  })

  test('it is killed with its NATS server in the middle of a transfer: that goes on', async () => {
    await fleet().lab.quiet()
    const before = fleet().lab.bytes()
    await beginTransfer('large 1')
    await coordinator().crash()
    await coordinator().crashNats()
    await untilMode(fleet().agents, 'decentralised', 2000)
    place('d').write('while it is gone', 'x')
    await fleet().untilEqual()
    expect(ratioSince(before)).toBeLessThan(1.1)
    await coordinator().start()
    await untilFollowed(fleet(), coordinator())
  })

  test('it hangs: within 20 s the agents sync directly; it goes on: they follow', async () => {
    coordinator().hang()
    place('a').write('while it hangs', 'x')
    expect(await fleet().follow('a', { deadlineMs: 20_000 })).toBeLessThan(20_000)
    await untilMode(fleet().agents, 'decentralised', 5000)
    const { epoch } = await resumed()
    await untilFollowed(fleet(), coordinator())
    place('d').write('when it goes on', 'y')
    await fleet().follow('d')
    expect(epoch).toBeGreaterThan(0)
  })

  async function resumed() {
    coordinator().resume()
    return await coordinator().leads()
  }

  test('the mode changes there and back in the middle of a transfer: nothing is sent twice', async () => {
    await fleet().lab.quiet()
    const before = fleet().lab.bytes()
    await beginTransfer('large 2')
    await coordinator().setMode('decentralised')
    await untilMode(fleet().agents, 'decentralised')
    expect(place('d').exists('large 2'), 'the transfer is over before the mode has changed').toBe(false)
    await coordinator().setMode('centralised')
    await untilMode(fleet().agents, 'centralised')
    await fleet().follow('a')
    expect(ratioSince(before)).toBeLessThan(1.1)
  })

  test('the mode that is set on one machine wins there', async () => {
    const agent = fleet().agent('d')
    await agent.command(['mode', 'decentralised'])
    await untilMode([agent], 'decentralised')
    place('d').write('from the one that decides by itself', 'x')
    await fleet().follow('d')
    place('a').write('to the one that decides by itself', 'y')
    await fleet().follow('a')
    await agent.command(['mode', 'auto'])
    await untilMode([agent], 'centralised')
  })
})
