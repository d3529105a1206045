import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { untilFollowed, untilMode } from '../lab/coordinate.ts'
import { parseGraph } from '../lab/graph.ts'
import { describeLong, useCoordinator, useFleet } from '../lab/suite.ts'
import { until } from '../lab/until.ts'
import { Place } from './place.ts'

/** Two seconds on a machine with nothing else to do. Beats alone would take fifteen. */
const atOnceMs = 5000

describeLong('a line a-b-c-d whose coordinator on c goes and comes', () => {
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
